import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { runVectors } from '#transparency/pure';

/** `log check-vectors FILE`: runs published test vectors. Exits 0 when all pass, 1 when one fails, 2 on wrong use. */
export function registerLogCommands(program: Command): void {
  const log = program.command('log').description('Work with the transparency log.');
  log
    .command('check-vectors')
    .description('Run a file of published test vectors and print how many passed.')
    .argument(
      '<file>',
      'a JSON file of Merkle, signed-note, tlog-tiles, canonical JSON, DSSE or HTTP signature vectors',
    )
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
    .action(async (file: string) => {
      process.exitCode = await checkVectors(file);
    });
}

async function checkVectors(path: string): Promise<number> {
  const vectors = await readJson(path);
  const results = vectors === undefined ? undefined : await runVectors(vectors);
  if (!results) {
    process.stderr.write(
      `${path} is not a JSON file of a known form of vectors (Merkle, signed notes, tlog-tiles, canonical JSON, DSSE, HTTP signatures).\n`,
    );
    return 2;
  }
  const failed = results.filter((result) => !result.ok);
  for (const { id } of failed) process.stdout.write(`failed: ${id}\n`);
  process.stdout.write(`${results.length - failed.length} passed, ${failed.length} failed\n`);
  return failed.length === 0 ? 0 : 1;
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as unknown;
  } catch {
    return undefined;
  }
}
