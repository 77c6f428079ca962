import { readFileSync } from 'node:fs';
import { SandboxServer } from '../sandbox.server.js';
import { compareAnswers, IdentifierMap, type Comparison } from './answer.comparison.js';
import { readCassette, type Recorded } from './cassette.reader.js';

const SHARE_MIN = 0.95;
const SECRET_KEY = 'sk_test_replay';

const RULE = `Recorded traffic against a fresh sandbox, through its HTTP API.
Compared: every field of every recorded answer, for type and value, and the HTTP status.
Mapped, not compared literally: identifiers (Stripe's ids, client secrets, fingerprints, prefixes of invoices, links to
  receipts and logs: the sandbox has its own, with the same prefix, and the same recorded one always stands for the
  same one) and times (created, available_on, exp_year and the like: there is a time in both). A mapping that does not
  hold counts as compared and different.
Not counted: fields that only the sandbox has, being newer than the recording.
Each call is sent with the Stripe-Version of its recording, and answered in that version's shape.`;

export interface ReplayReport {
  readonly text: string;
  /** Equal of all compared, 0 to 1. */
  readonly share: number;
}

/** Plays the recordings, each against a fresh sandbox. @throws Error for a file that is no recording. */
export async function replay(files: readonly string[]): Promise<ReplayReport> {
  const lines = [RULE, ''];
  const total: Comparison = { compared: 0, equal: 0, mapped: 0, differences: [] };
  for (const file of files) {
    lines.push(file);
    for (const { recorded, comparison } of await playFile(file)) {
      lines.push(`  ${percent(comparison)}  ${recorded.method} ${recorded.path} -> ${recorded.status}`);
      for (const { path, recorded: theirs, answered } of comparison.differences) {
        lines.push(`           ${path}: recorded ${shown(theirs)}, sandbox ${shown(answered)}`);
      }
      total.compared += comparison.compared;
      total.equal += comparison.equal;
      total.mapped += comparison.mapped;
      total.differences.push(...comparison.differences);
    }
  }
  const fields = [...new Set(total.differences.map(({ path }) => path))].toSorted();
  lines.push('', `${total.equal} of ${total.compared} compared fields are equal: ${percent(total).trim()}.`);
  lines.push(`${total.mapped} identifiers and times were mapped.`);
  lines.push(`${fields.length} fields differ${fields.length === 0 ? '.' : `: ${fields.join(', ')}`}`);
  return { text: `${lines.join('\n')}\n`, share: total.compared === 0 ? 1 : total.equal / total.compared };
}

async function playFile(file: string): Promise<{ recorded: Recorded; comparison: Comparison }[]> {
  const calls = readCassette(readFileSync(file, 'utf8'));
  const server = new SandboxServer({
    path: ':memory:',
    port: 0,
    secretKey: SECRET_KEY,
    publishableKey: 'pk_test_replay',
  });
  await server.start();
  try {
    const ids = new IdentifierMap();
    const played = [];
    for (const recorded of calls) {
      const { status, answer } = await send(server.url, recorded, ids);
      const comparison = compareAnswers(recorded.answer, answer, ids);
      comparison.compared += 1;
      if (status === recorded.status) comparison.equal += 1;
      else comparison.differences.unshift({ path: 'HTTP status', recorded: recorded.status, answered: status });
      played.push({ recorded, comparison });
    }
    return played;
  } finally {
    await server.stop();
  }
}

async function send(base: string, call: Recorded, ids: IdentifierMap): Promise<{ status: number; answer: unknown }> {
  const answer = await fetch(`${base}${ids.translate(call.path)}`, {
    method: call.method,
    headers: {
      authorization: `Bearer ${SECRET_KEY}`,
      ...(call.apiVersion === undefined ? {} : { 'stripe-version': call.apiVersion }),
      ...(call.body === null ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
    },
    ...(call.body === null ? {} : { body: ids.translate(call.body) }),
  });
  return { status: answer.status, answer: (await answer.json()) as unknown };
}

export async function replayCommand(files: readonly string[]): Promise<number> {
  if (files.length === 0) {
    process.stderr.write('Name one or more recordings: sandbox replay FILE…\n');
    return 2;
  }
  const report = await replay(files);
  process.stdout.write(report.text);
  return report.share >= SHARE_MIN ? 0 : 1;
}

function percent({ compared, equal }: Comparison): string {
  // Rounded down: 94.99 % is not 95 %.
  return `${(compared === 0 ? 100 : Math.floor((equal / compared) * 10_000) / 100).toFixed(2)} %`.padStart(8);
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length <= 90 ? text : `${text.slice(0, 87)}...`;
}
