import { readFile, writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { isRefused } from '#kernel';
import { readRound, resultFile, resultOf, verifyResult } from '#matching';
import { SigningKey } from '#transparency';

/**
 * `match FILE`: computes a round of matching described in JSON (docs/matching.md) and prints the result file.
 * `match verify RESULT ROUND`: computes it again and compares. Both exit 0, or 1 with what is wrong.
 */
export function registerMatchCommands(program: Command): void {
  const match = program
    .command('match')
    .description('Compute a round of matching described in a JSON file, exactly, and print the result file.')
    .argument('<file>', 'the round: projects, gifts, rule, pool, caps, weights, groups, exclusions')
    .option('--out <file>', 'write the result there instead of printing it')
    .option('--key <file>', "sign it with this Ed25519 key (a file like the log's, one line PRIVATE+KEY+…)")
    .action(async (file: string, options: { out?: string; key?: string }) => {
      process.exitCode = await answer(() => compute(file, options));
    });
  match
    .command('verify')
    .description('Check a result: its signature, the digest of its round, and every figure computed again.')
    .argument('<result>', 'the result file')
    .argument('<round>', 'the round that it is of')
    .option('--key <key>', 'the verifier key (name+id+base64) that you trust')
    .action(async (result: string, round: string, _: object, command: Command) => {
      // The parser hands --key to whichever of the two commands knows it first.
      const { key } = command.optsWithGlobals<{ key?: string }>();
      process.exitCode = await answer(() => verify(result, round, key));
    });
}

/** A file that can't be used, with one line that says what to do. */
class Unusable extends Error {}

async function answer(body: () => Promise<number>): Promise<number> {
  try {
    return await body();
  } catch (error) {
    if (!(error instanceof Unusable)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
}

async function compute(path: string, options: { out?: string; key?: string }): Promise<number> {
  const key = options.key === undefined ? undefined : await readKey(options.key);
  const round = readRound(await readText(path));
  const result = isRefused(round) ? round : resultOf(round);
  if (isRefused(result)) {
    const { code, message, detail, hint } = result.first;
    throw new Unusable(`${path}: ${[message, detail, hint].filter(Boolean).join(' ')} (${code})`);
  }
  const text = resultFile(result, key);
  if (options.out === undefined) await print(text);
  else await writeFile(options.out, text).catch(() => cannot('written', options.out ?? ''));
  return 0;
}

async function verify(resultPath: string, roundPath: string, key: string | undefined): Promise<number> {
  const checks = await verifyResult(await readText(resultPath), await readText(roundPath), key);
  const ok = checks.every((check) => check.ok);
  for (const check of checks) await print(`  ${check.ok ? 'ok  ' : 'FAIL'}  ${check.name}: ${check.detail}\n`);
  await print(ok ? 'Verified.\n' : 'NOT verified: do not rely on this file.\n');
  return ok ? 0 : 1;
}

async function readKey(path: string): Promise<SigningKey> {
  const text = await readText(path);
  try {
    return SigningKey.parse(text);
  } catch {
    throw new Unusable(`${path} is no signing key: it should hold one line that starts with PRIVATE+KEY+.`);
  }
}

const cannot = (what: string, path: string): never => {
  throw new Unusable(`${path} can't be ${what}; check the name.`);
};

const readText = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => cannot('read', path));

/** A result may be larger than a pipe takes at once, and the process ends after this. */
const print = (text: string): Promise<void> =>
  new Promise((resolve, reject) => process.stdout.write(text, (error) => (error ? reject(error) : resolve())));
