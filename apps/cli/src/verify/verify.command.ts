import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { type Check, isRenderedFrom, verifySignedReport } from '#reports';
import { readReportFile, type ReportFile, UnreadableReport } from './report-file.js';

interface VerifyOptions {
  readonly key?: string;
  readonly checkpoint?: string;
  readonly report?: string;
}

/** `verify FILE`: checks a downloaded report without a network connection. Exits 0 when all holds, 1 when not, 2 on wrong use. */
export function registerVerifyCommands(program: Command): void {
  program
    .command('verify')
    .description('Check a downloaded report (JSON, HTML, PDF or CSV) without a network connection.')
    .argument('<file>', 'the downloaded report')
    .option(
      '--key <key>',
      "the log's verifier key (name+id+base64), or a file that holds it; get it from a source you trust",
    )
    .option('--checkpoint <file>', 'a signed checkpoint of the log that you got elsewhere, to compare with')
    .option('--report <file>', 'the JSON that belongs to a CSV')
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
    .action(async (file: string, options: VerifyOptions) => {
      process.exitCode = await verify(file, options);
    });
}

async function verify(path: string, options: VerifyOptions): Promise<number> {
  try {
    const file = await readReportFile(path, options.report);
    const key = options.key === undefined ? undefined : await textOrFile(options.key);
    const checkpoint = options.checkpoint === undefined ? undefined : await readText(options.checkpoint);
    const { checks, signed } = await verifySignedReport(file.json, {
      ...(key === undefined ? {} : { key }),
      ...(checkpoint === undefined ? {} : { checkpoint }),
    });
    const all = signed && file.format !== 'json' ? [...checks, await renderingCheck(file, file.json)] : checks;
    const ok = all.every((check) => check.ok);
    print(`${path}: ${file.format.toUpperCase()}, signed report ${file.source}`);
    for (const check of all) print(`  ${check.ok ? 'ok  ' : 'FAIL'}  ${check.name}: ${check.detail}`);
    print(ok ? 'Verified.' : 'NOT verified: do not rely on this file.');
    return ok ? 0 : 1;
  } catch (error) {
    if (!(error instanceof UnreadableReport)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 2;
  }
}

/** What people read must be what the signed figures say: the file is made anew from the JSON and compared byte by byte. */
async function renderingCheck(file: ReportFile, json: string): Promise<Check> {
  const ok = await isRenderedFrom(json, file.format, file.bytes);
  const detail = ok
    ? 'What the file shows is exactly what the signed figures give.'
    : 'The file is not what this version of the program makes of the signed figures. It was changed, or made by another version: rely on the JSON, or verify with that version.';
  return { name: 'rendering', ok, detail };
}

async function textOrFile(value: string): Promise<string> {
  return (existsSync(value) ? await readText(value) : value).trim();
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    throw new UnreadableReport(`${path} can't be read; check the name.`);
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
