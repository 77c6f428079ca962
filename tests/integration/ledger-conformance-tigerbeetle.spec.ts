import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRefused, newId } from '#kernel';
import { type AccountSpec, Ledger, LedgerWriter, type TransferSpec, ledgerInvariants } from '#ledger';
import { UnitOfWork } from '#platform';
import { type TestDatabase, createTestDatabase } from '../../libs/testkit/src/index.js';
import { material, say } from './conformance.material.js';
import {
  type AccountRow,
  type Block,
  CODES,
  EXCLUDED,
  type Row,
  type TransferRow,
  accountRow,
  amountOf,
  brokenForm,
  excludedStatus,
  idOf,
  readBlocks,
  transferRow,
  unitOf,
} from './tigerbeetle.table.js';

// All 41 test blocks of TigerBeetle's state machine, asked of our ledger row by row through its public interface. A row
// that can't be asked is counted with its reason; a block of which no row is left is not applicable.

const file = material('tigerbeetle/src/state_machine_tests.zig');
const blocks = file === undefined ? [] : readBlocks(readFileSync(file, 'utf8'));

let db: TestDatabase;
let uow: UnitOfWork;
let nowMs = Date.parse('2026-03-01T12:00:00Z');
let writer: LedgerWriter;
const ledger = new Ledger();
beforeAll(async () => {
  if (file === undefined) return;
  db = await createTestDatabase();
  const clock = { now: () => new Date(nowMs) };
  uow = new UnitOfWork(db.dataSource, clock);
  writer = new LedgerWriter(db.dataSource, clock);
});

interface Tally {
  checked: number;
  readonly excluded: Map<string, number>;
}
const tallies = new Map<string, Tally>();

afterAll(async () => {
  if (file === undefined) return;
  const reasons = new Map<string, number>();
  let [whole, partly, none, rows] = [0, 0, 0, 0];
  for (const { checked, excluded } of tallies.values()) {
    rows += checked;
    if (checked === 0) none += 1;
    else if (excluded.size === 0) whole += 1;
    else partly += 1;
    for (const [reason, count] of excluded) reasons.set(reason, (reasons.get(reason) ?? 0) + count);
  }
  say(
    `TigerBeetle: of ${tallies.size} blocks ${whole} pass whole, ${partly} but for rows left out, ${none} do not apply`,
  );
  say(`TigerBeetle: ${rows} rows checked, ${[...reasons.values()].reduce((a, b) => a + b, 0)} left out:`);
  for (const [reason, count] of [...reasons].sort((a, b) => b[1] - a[1])) say(`  ${count} · ${EXCLUDED[reason]}`);
  for (const check of ledgerInvariants)
    expect(await db.uow.read((tx) => check.run(tx)), check.name).toMatchObject({ ok: true, violations: [] });
  await db.close();
});

/** Chains whose balancing transfer moves nothing in the middle, which their table doesn't show. */
const MOVES_NOTHING: Readonly<Record<string, string>> = { 'create_transfers: per-transfer balance invariant': '5' };

/** One table on books of its own; `together` posts a batch by one statement, else the writer posts each chain. */
class Run {
  private readonly prefix = `tb:${newId()}`;
  private accounts: AccountRow[] = [];
  private transfers: Row[] = [];
  private readonly open = new Map<string, AccountSpec>();
  private readonly asked = new Map<string, string>();
  private readonly burnt = new Map<string, string>();
  private readonly times = new Map<string, Date>();
  private readonly lapses = new Map<string, Date>();
  private readonly expiries = new Map<string, Date>();
  private readonly idle: ReadonlySet<string>;
  private asks = '';
  private follows = false;

  constructor(
    private readonly block: Block,
    private readonly rows: readonly Row[],
    private readonly together: boolean,
    private readonly tally: Tally,
  ) {
    const zero = rows.filter((r) => r.verb === 'lookup_transfer' && r.words[1] === 'amount' && r.words[2] === '0');
    this.idle = new Set(zero.map((r) => idOf(r.words[0] ?? '')));
  }

  private readonly account = (id: string) => `${this.prefix}:A${id}`;
  private readonly transfer = (id: string) => `${this.prefix}:T${id}`;
  private readonly expiry = (id: string, seconds: number): Date => {
    const asked = `${id} after ${seconds}`;
    const known = this.lapses.get(asked) ?? new Date(nowMs + seconds * 1000);
    this.lapses.set(asked, known);
    return known;
  };
  private leaveOut(reason: string, count = 1): void {
    if (EXCLUDED[reason] === undefined) throw new Error(`no reason is known for ${reason}`);
    this.tally.excluded.set(reason, (this.tally.excluded.get(reason) ?? 0) + count);
  }
  private check(found: unknown, wanted: unknown, text: string): void {
    this.tally.checked += 1;
    expect(found, `${this.block.name}: ${text}`).toEqual(wanted);
  }

  async all(): Promise<void> {
    for (const row of this.rows) await this.take(row);
  }

  private async take(row: Row): Promise<void> {
    const at = (n: number) => row.words[n] ?? '_';
    switch (row.verb) {
      case 'account':
        this.accounts.push(accountRow(row, this.account));
        return;
      case 'transfer':
        this.transfers.push(row);
        return;
      case 'setup':
        return this.setUp(
          idOf(at(0)),
          [1, 2, 3, 4].map((n) => amountOf(at(n))),
        );
      case 'tick':
        if (at(1) === 'seconds' && !at(0).startsWith('-')) nowMs += Number(at(0)) * 1000;
        return;
      case 'commit':
        if (at(0) === 'create_accounts') await this.openAll();
        if (at(0) === 'create_transfers') await this.postAll();
        return;
      case 'lookup_account':
        return this.lookUpAccount(row);
      case 'lookup_transfer':
        return this.lookUpTransfer(row);
      case 'get_account_balances':
        this.asks = idOf(at(0));
        return;
      case 'get_account_balances_result':
        return this.pastBalance(this.asks, this.times.get(idOf(at(0))), row.words.slice(1, 5), row.text);
      case 'get_change_events_result': {
        const when = at(0) === 'EXP' ? this.expiries.get(idOf(at(3))) : this.times.get(idOf(at(1)));
        await this.pastBalance(idOf(at(4)), when, row.words.slice(5, 9), row.text);
        return this.pastBalance(idOf(at(10)), when, row.words.slice(11, 15), row.text);
      }
      case 'get_change_events':
        return;
      default:
        return this.leaveOut('query');
    }
  }

  private async openAll(): Promise<void> {
    for (const chain of chainsOf(this.accounts)) {
      const reason = chain.map((row) => this.unopenable(row, chain.length)).find((r) => r !== undefined);
      if (reason !== undefined) {
        this.leaveOut(reason, chain.length);
        this.follows ||= chain.some((row) => row.status === 'created');
        continue;
      }
      const specs = chain.map(({ spec }) => spec);
      const wanted = chain.every(({ status }) => status === 'created' || status === 'exists') ? 'OK' : 'refused';
      const found = await uow
        .run('open', (tx) => ledger.openAccounts(tx, specs))
        .then(
          () => 'OK',
          () => 'refused',
        );
      for (const row of chain) this.check(found, wanted, `account ${row.id} ${row.status}`);
      if (found === 'OK') for (const { id, spec } of chain) this.open.set(id, spec);
    }
    this.accounts = [];
  }

  /** Why this account can't be asked to be opened as there. */
  private unopenable({ status, beyond, spec, id }: AccountRow, links: number): string | undefined {
    if (beyond !== undefined) return beyond;
    if (status === 'created' || status === 'linked_event_failed') return undefined;
    if (status === 'exists' && links === 1) return undefined;
    const known = this.open.get(id);
    const differs = known !== undefined && (known.unit !== spec.unit || known.limit !== spec.limit);
    if (status.startsWith('exists')) return differs ? undefined : 'open twice';
    return excludedStatus(status) ?? (status === 'code_must_not_be_zero' ? 'code' : 'no number');
  }

  private async setUp(id: string, figures: readonly bigint[]): Promise<void> {
    const [pendingOut = 0n, out = 0n, pendingIn = 0n, into = 0n] = figures;
    const other = this.account(`funds-${id}`);
    const unit = this.open.get(id)?.unit ?? unitOf('L1');
    await uow.run('open', (tx) => ledger.openAccounts(tx, [{ code: other, unit, limit: 'none' }]));
    const own = this.account(id);
    const move = (kind: 'posted' | 'pending', isIn: boolean, amount: bigint): TransferSpec[] =>
      amount === 0n
        ? []
        : [
            {
              key: newId(),
              kind,
              amount,
              reason: 'setup',
              ...(isIn ? { debit: other, credit: own } : { debit: own, credit: other }),
            },
          ];
    const isMirrored = this.open.get(id)?.limit === 'credits_must_not_exceed_debits';
    const [comes, goes] = [move('posted', true, into), move('posted', false, out)];
    const posted = isMirrored ? [...goes, ...comes] : [...comes, ...goes];
    const chain = [...posted, ...move('pending', false, pendingOut), ...move('pending', true, pendingIn)];
    if (chain.length === 0) return;
    const outcome = await uow.run('setup', (tx) => ledger.post(tx, chain));
    if (isRefused(outcome)) throw new Error(`setup of A${id}: ${outcome.first.message}`);
  }

  private async postAll(): Promise<void> {
    const asked: { rows: TransferRow[]; specs: TransferSpec[] }[] = [];
    if (!this.together) nowMs += 1;
    const names = { account: this.account, transfer: this.transfer, expiry: this.expiry };
    for (const rows of chainsOf(this.transfers.map((row) => transferRow(row, names)))) {
      const reason = rows.map((row) => this.unaskable(row, rows.length)).find((r) => r !== undefined);
      if (reason === undefined) asked.push({ rows, specs: rows.flatMap((row) => this.specsOf(row)) });
      else {
        this.leaveOut(reason, rows.length);
        this.follows ||= rows.some((row) => row.status === 'created');
      }
    }
    const isEmpty = this.transfers.length === 0;
    this.transfers = [];
    if (this.together) {
      const chains = asked.map(({ specs }) => specs);
      const outcomes = await uow.run('batch', (tx) => ledger.postChains(tx, chains));
      if (isRefused(outcomes)) throw new Error('a batch answers each of its chains');
      if (isEmpty) this.check(outcomes, [], 'an empty batch');
      outcomes.forEach((outcome, n) => this.compare(asked[n]?.rows ?? [], asked[n]?.specs ?? [], outcome));
      return;
    }
    for (const { rows, specs } of asked) {
      nowMs += 1;
      this.compare(rows, specs, await writer.submit(specs));
    }
  }

  private unaskable(row: TransferRow, links: number): string | undefined {
    if (MOVES_NOTHING[this.block.name] === row.id && row.status === 'created') return 'nothing';
    if (row.beyond !== undefined) return row.beyond;
    // A chain has to fail for a reason that can be said here.
    if (row.status === 'ledger_must_not_be_zero' && links > 1) return undefined;
    return excludedStatus(row.status);
  }

  /** What is asked of our ledger for a row; two transfers where theirs closes both accounts by one. */
  private specsOf({ spec, closesBoth, status }: TransferRow): TransferSpec[] {
    if (status === 'ledger_must_not_be_zero') return [{ ...spec, debit: this.account('of-no-ledger'), burn: false }];
    if (!closesBoth || spec.kind !== 'pending') return [spec];
    const { key, debit, credit } = spec;
    // An account of the same unit that stays open: what a closed account is part of can't be entered.
    const between = this.account('3');
    return [
      { ...spec, key: `${key}:debit`, closes: 'debit', ...(debit ? { debit } : {}), credit: between },
      { ...spec, closes: 'credit', debit: between, ...(credit ? { credit } : {}) },
    ];
  }

  private compare(rows: readonly TransferRow[], specs: readonly TransferSpec[], outcome: unknown): void {
    const refused = isRefused(outcome) ? outcome.first.code : undefined;
    const wanted = rows.map((row) => this.wanted(row));
    const failing = wanted.find((code) => code !== 'OK' && code !== 'with its chain');
    for (const row of rows) this.check(refused ?? 'OK', failing ?? 'OK', `${row.id} ${row.status}`);
    const at = rows.findIndex((_, n) => wanted[n] === failing);
    const { id = '', spec } = rows[at] ?? {};
    if (refused !== undefined && spec && /NOT_FOUND|CLOSED|LIMIT|OVERFLOW/.test(refused) && spec.burn === true)
      if (rows[at]?.status !== 'ledger_must_not_be_zero') this.burnt.set(id, contentOf(spec));
    if (refused !== undefined) return;
    const posted = outcome as { recordedAt: Date; replayed: boolean }[];
    for (const [n, row] of rows.entries()) {
      const own = posted[n];
      const isKnown = this.asked.has(row.id);
      if (own && specs.length === rows.length) this.check(own.replayed, isKnown, `${row.id} is repeated`);
      if (isKnown) continue;
      this.asked.set(row.id, contentOf(row.spec));
      if (own) this.times.set(row.id, own.recordedAt);
      if (row.spec.expiresAt) this.expiries.set(row.id, row.spec.expiresAt);
    }
  }

  /** Our answer to a row, in the order in which our rules are asked: form, key, books. */
  private wanted({ id, spec, status }: TransferRow): string {
    if (status === 'linked_event_failed') return 'with its chain';
    if (status === 'ledger_must_not_be_zero') return 'LEDGER_ACCOUNT_NOT_FOUND';
    const form = brokenForm(spec);
    if (form !== undefined) return form;
    const before = this.asked.get(id) ?? this.burnt.get(id);
    if (before !== undefined && before !== contentOf(spec)) return 'LEDGER_KEY_MISMATCH';
    if (this.burnt.has(id)) return 'LEDGER_KEY_BURNT';
    if (this.asked.has(id)) return 'OK';
    // Nothing is left to move: done there with an amount of 0, refused here.
    if (this.idle.has(id) && status === 'created' && spec.balancing !== undefined) return 'LEDGER_LIMIT_EXCEEDED';
    const code = CODES[status];
    if (code === undefined) throw new Error(`nothing is said of ${status}`);
    return code;
  }

  private async lookUpAccount(row: Row): Promise<void> {
    if (this.follows) return this.leaveOut('follows');
    const id = idOf(row.words[0] ?? '');
    const code = this.account(id);
    const balance = await uow.read(async (tx) => (await ledger.balances(tx, [code])).get(code));
    if (row.words.length < 5) return this.check(balance, undefined, row.text);
    this.check(balance && figuresOf(balance), row.words.slice(1, 5).map(amountOf), row.text);
    const closed = await uow.read((tx) => ledger.closed(tx, [code]));
    this.check(closed.has(code), row.words[5] === 'CLSD', row.text);
  }

  private async lookUpTransfer(row: Row): Promise<void> {
    if (this.follows) return this.leaveOut('follows');
    const [word = '', what, value = ''] = row.words;
    const id = idOf(word);
    const key = this.transfer(id);
    const stored = await uow.read(async (tx) => (await ledger.transfers(tx, [key])).get(key));
    if (what === 'timestamp') return this.leaveOut('imported');
    if (what === 'exists') {
      const isIdle = this.rows.some(
        (r) => r.verb === 'transfer' && idOf(r.words[0] ?? '') === id && r.words[3] === '0',
      );
      return this.check(stored !== undefined, value === 'true' && !(isIdle && stored === undefined), row.text);
    }
    // What moved nothing there is not done here; a post of nothing is a void, which tells what it let go.
    if (value === '0') return this.check(stored === undefined || stored.kind === 'void_pending', true, row.text);
    this.check(stored?.amount, amountOf(value), row.text);
  }

  /** Each chain has a moment of its own only when it is posted alone. */
  private async pastBalance(id: string, at: Date | undefined, words: readonly string[], text: string): Promise<void> {
    if (this.together) return;
    if (at === undefined) throw new Error(`no moment is known for ${text}`);
    const found = await uow.read((tx) => ledger.balanceAt(tx, this.account(id), at));
    this.check(figuresOf(found), words.map(amountOf), text);
  }
}

const figuresOf = (b: {
  debitsPending: bigint;
  debitsPosted: bigint;
  creditsPending: bigint;
  creditsPosted: bigint;
}) => [b.debitsPending, b.debitsPosted, b.creditsPending, b.creditsPosted];

/** All that makes a request the same request. */
const contentOf = (spec: TransferSpec): string =>
  JSON.stringify(spec, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));

function chainsOf<T extends { readonly isLinked: boolean }>(rows: readonly T[]): T[][] {
  const chains: T[][] = [[]];
  for (const row of rows) {
    chains.at(-1)?.push(row);
    if (!row.isLinked) chains.push([]);
  }
  return chains.filter((chain) => chain.length > 0);
}

describe.skipIf(file === undefined)('TigerBeetle: the tests of its state machine', () => {
  it('are the 41 blocks that are counted', () => {
    expect(blocks).toHaveLength(41);
  });

  it.each(blocks.map((block) => [block.name, block] as const))('%s', async (_, block) => {
    const tally: Tally = { checked: 0, excluded: new Map() };
    tallies.set(block.name, tally);
    for (const together of [true, false])
      for (const rows of block.tables) await new Run(block, rows, together, tally).all();
    if (block.tables.every((rows) => rows.length === 0)) tally.excluded.set('own test', 1);
  });
});
