import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRefused, newId, systemClock } from '#kernel';
import { Ledger, ledgerInvariants } from '#ledger';
import { type Tx, UnitOfWork } from '#platform';
import { type TestDatabase, createTestDatabase } from '../../libs/testkit/src/index.js';
import { material, say } from './conformance.material.js';
import { type Script, readScript } from './numscript.reader.js';
import { MissingFunds, NumscriptRun, type Posting } from './numscript.run.js';

// All 182 published cases of numscript, each done by transfers of our ledger: what is drawn is what the ledger lets go.

const folder = material('numscript/internal/interpreter/testdata');

interface Case {
  readonly it: string;
  readonly balances?: readonly { account: string; asset: string; amount: bigint; color?: string }[];
  readonly variables?: Readonly<Record<string, string>>;
  readonly metadata?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly 'expect.postings'?: readonly Posting[] | null;
  readonly 'expect.error.missingFunds'?: boolean;
  readonly 'expect.endBalances'?: readonly { account: string; asset: string; amount: bigint; color?: string }[];
}
interface File extends Pick<Case, 'balances' | 'variables'> {
  readonly testCases: readonly Case[];
}
/** Numbers of any length, as they are written. */
const parse = (text: string): unknown =>
  JSON.parse(text, (_, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' && context?.source !== undefined ? BigInt(context.source) : value,
  );

/** What a case says of an account goes before what its file says. */
function merged(ofFile: Case['balances'] = [], ofCase: Case['balances'] = []): NonNullable<Case['balances']> {
  const by = new Map([...ofFile, ...ofCase].map((b) => [`${b.account} ${b.asset} ${b.color ?? ''}`, b]));
  return [...by.values()];
}

const cases = (folder === undefined ? [] : readdirSync(folder, { recursive: true, encoding: 'utf8' }))
  .filter((name) => name.endsWith('.num.specs.json'))
  .sort()
  .flatMap((name) => {
    const path = join(folder ?? '', name);
    const script = readFileSync(path.replace(/\.specs\.json$/, ''), 'utf8');
    const { testCases, balances, variables } = parse(readFileSync(path, 'utf8')) as File;
    const label = name.replace(/\.num\.specs\.json$/, '');
    return testCases.map((one): [string, string, Case] => [
      `${label}: ${one.it}`,
      script,
      { ...one, balances: merged(balances, one.balances), variables: { ...variables, ...one.variables } },
    ]);
  });

/** Why a case can't be asked of a ledger. */
const EXCLUDED = {
  metadata: 'only sets or computes metadata: a transfer has refs that its poster writes, an account has none',
  scaling: 'one asset in two scales at once: a unit here has one number of digits, others are exchanged',
  size: 'amounts above 10^18, the most that one transfer moves (LEDGER_AMOUNT_INVALID)',
} as const;
type Reason = keyof typeof EXCLUDED;
const excluded = new Map<Reason, number>();
let passed = 0;

let db: TestDatabase;
let uow: UnitOfWork;
const ledger = new Ledger();
beforeAll(async () => {
  if (folder === undefined) return;
  db = await createTestDatabase();
  uow = new UnitOfWork(db.dataSource, systemClock);
});
afterAll(async () => {
  if (folder === undefined) return;
  const left = [...excluded.values()].reduce((a, b) => a + b, 0);
  say(`numscript: of ${cases.length} cases ${passed} pass, ${left} do not apply:`);
  for (const [reason, count] of excluded) say(`  ${count} · ${EXCLUDED[reason]}`);
  for (const check of ledgerInvariants)
    expect(await db.uow.read((tx) => check.run(tx)), check.name).toMatchObject({ ok: true, violations: [] });
  await db.close();
});

function reasonFor(text: string, script: Script, one: Case): Reason | undefined {
  if (/with scaling/.test(text)) return 'scaling';
  if (script.statements.every(({ kind }) => kind === 'call')) return 'metadata';
  const amounts = (one['expect.postings'] ?? []).map(({ amount }) => amount);
  if (amounts.some((amount) => amount > 10n ** 18n)) return 'size';
  return undefined;
}

describe.skipIf(folder === undefined)('numscript: what its interpreter is held to', () => {
  it('is the 182 cases that are counted', () => {
    expect(cases).toHaveLength(182);
  });

  it.each(cases)('%s', async (_, text, one) => {
    const script = readScript(text);
    const reason = reasonFor(text, script, one);
    if (reason !== undefined) {
      excluded.set(reason, (excluded.get(reason) ?? 0) + 1);
      return;
    }
    const run = newId();
    const codeOf = (name: string, asset: string, color: string) =>
      `ns:${run}:${Buffer.from(`${name} ${asset} ${color}`).toString('hex')}`;
    const open = async (tx: Tx, name: string, asset: string, color: string): Promise<string> => {
      const unit = `gpu_second:ns-${Buffer.from(`${asset} ${color}`).toString('hex')}`;
      const code = codeOf(name, asset, color);
      await ledger.openAccounts(tx, [{ code, unit, limit: 'none' }]);
      return code;
    };
    await uow.run('funds', async (tx) => {
      for (const { account, asset, amount, color = '' } of one.balances ?? []) {
        const [own, other] = [await open(tx, account, asset, color), await open(tx, '(funds)', asset, color)];
        const [debit, credit] = amount < 0n ? [own, other] : [other, own];
        if (amount === 0n) continue;
        const spec = { key: newId(), kind: 'posted', debit, credit, amount: amount < 0n ? -amount : amount } as const;
        const outcome = await ledger.post(tx, [{ ...spec, reason: 'funds' }]);
        if (isRefused(outcome)) throw new Error(outcome.first.message);
      }
    });
    const stands = async (): Promise<Map<string, bigint>> => {
      const rows = await db.dataSource.query<{ code: string; stands: bigint }[]>(
        `SELECT code, credits_posted - debits_posted AS stands FROM ledger_account WHERE code LIKE $1`,
        [`ns:${run}:%`],
      );
      return new Map(rows.flatMap((row) => (row.stands === 0n ? [] : [[row.code, row.stands]])));
    };
    const before = await stands();
    const found = await uow
      .run('script', (tx) => {
        const account = (name: string, asset: string, color: string) => open(tx, name, asset, color);
        return new NumscriptRun({ ledger, tx, account }, script, one.variables ?? {}, one.metadata ?? {}).run();
      })
      .catch((error: unknown) => {
        if (error instanceof MissingFunds) return 'missing funds';
        throw error;
      });
    if (one['expect.error.missingFunds'] === true) {
      expect(found).toBe('missing funds');
      expect(await stands()).toEqual(before);
      passed += 1;
      return;
    }
    const wanted = one['expect.postings'] ?? [];
    if (one['expect.postings'] !== undefined) expect(found).toEqual(wanted);
    // The books say the same: every account stands where the published postings bring it, the helping ones at nothing.
    const after = new Map(before);
    for (const { source, destination, asset, amount, color = '' } of wanted) {
      const [from, to] = [codeOf(source, asset, color), codeOf(destination, asset, color)];
      after.set(from, (after.get(from) ?? 0n) - amount);
      after.set(to, (after.get(to) ?? 0n) + amount);
    }
    for (const [code, amount] of after) if (amount === 0n) after.delete(code);
    if (one['expect.postings'] !== undefined) expect(await stands()).toEqual(after);
    const end = await stands();
    for (const { account, asset, amount, color = '' } of one['expect.endBalances'] ?? [])
      expect(end.get(codeOf(account, asset, color)) ?? 0n, account).toBe(amount);
    passed += 1;
  });
});
