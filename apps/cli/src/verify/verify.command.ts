import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import {
  type Check,
  isRenderedFrom,
  isStatementRenderedFrom,
  readSignedStatement,
  verifySignedReport,
  verifySignedStatement,
} from '#reports';
import { readReportFile, type ReportFile, UnreadableReport } from './report-file.js';

interface VerifyOptions {
  readonly key?: string;
  readonly checkpoint?: string;
  readonly report?: string;
  readonly leaves?: string[];
}

/** `verify FILE`: checks a downloaded report without a network connection. Exits 0 when all holds, 1 when not, 2 on wrong use. */
export function registerVerifyCommands(program: Command): void {
  program
    .command('verify')
    .description(
      'Check a downloaded report, receipt or statement (JSON, HTML, PDF or CSV) without a network connection.',
    )
    .argument('<file>', 'the downloaded report')
    .option(
      '--key <key>',
      "the log's verifier key (name+id+base64), or a file that holds it; get it from a source you trust",
    )
    .option('--checkpoint <file>', 'a signed checkpoint of the log that you got elsewhere, to compare with')
    .option('--report <file>', 'the JSON that belongs to a CSV')
    .option('--leaves <files...>', 'the whole log, as saved from /log/leaves, to prove that no event was left out')
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
    const leaves = options.leaves === undefined ? undefined : await readLeaves(options.leaves);
    const statement = readSignedStatement(file.json);
    const { checks, signed } = statement
      ? { ...(await verifySignedStatement(statement, key)), signed: statement }
      : await verifySignedReport(file.json, {
          ...(key === undefined ? {} : { key }),
          ...(checkpoint === undefined ? {} : { checkpoint }),
          ...(leaves === undefined ? {} : { leaves }),
        });
    const isRendering = statement ? isStatementRenderedFrom : isRenderedFrom;
    const all = signed && file.format !== 'json' ? [...checks, await renderingCheck(file, isRendering)] : checks;
    const ok = all.every((check) => check.ok);
    print(`${path}: ${file.format.toUpperCase()}, signed ${statement ? 'statement' : 'report'} ${file.source}`);
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
async function renderingCheck(file: ReportFile, isRendering: typeof isRenderedFrom): Promise<Check> {
  const ok = await isRendering(file.json, file.format, file.bytes);
  const detail = ok
    ? 'What the file shows is exactly what the signed figures give.'
    : 'The file is not what this version of the program makes of the signed figures. It was changed, or made by another version: rely on the JSON, or verify with that version.';
  return { name: 'rendering', ok, detail };
}

/** The leaves of saved answers of `/log/leaves`, put in order by their index. */
async function readLeaves(paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) {
    const text = await readText(path);
    try {
      const { leaves } = JSON.parse(text) as { leaves: { index: number; data: string }[] };
      for (const { index, data } of leaves) found[index] = data;
    } catch {
      throw new UnreadableReport(`${path} is not an answer of /log/leaves; save it as it came.`);
    }
  }
  if (found.includes(undefined as never))
    throw new UnreadableReport('The leaves have a gap; save /log/leaves from start=0 on, 1000 at a time.');
  return found;
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
