import { Injectable } from '@nestjs/common';
import { CampaignFunds } from '#campaigns';
import { isRefused } from '#kernel';
import { Ledger, type TransferSpec } from '#ledger';
import type { Tx } from '#platform';
import { type CashPledgeEvent, cashPledgeMachine, holdsCash, isPromise } from './domain/cash-pledge.machine.js';
import { countedShare } from './domain/counted.rule.js';
import { promise } from './domain/pledge-postings.rule.js';
import {
  type CashPledgeChange,
  type CashPledgeRow,
  lockCashPledges,
  saveCashPledges,
} from './store/cash-pledge.store.js';

/** Differences of a campaign's money, in minor units of its currency. */
export interface Booking {
  promisedMinor: bigint;
  capturedMinor: bigint;
  refundedMinor: bigint;
  disputedMinor: bigint;
  feesMinor: bigint;
}

/** What still stands as a promise of a pledge: in the memo accounts, and in the campaign's own currency. */
const outstanding = (row: CashPledgeRow): bigint => (row.isPromised ? row.amountMinor - row.collectedMinor : 0n);
const counted = (row: CashPledgeRow): bigint =>
  row.isPromised ? row.countedMinor - countedShare(row, row.collectedMinor) : 0n;

/**
 * Steps of cash pledges taken together: decided on the held rows in memory, then written with all that follows from
 * them (states, promises in the books, totals and backers of campaigns) by a few statements, however many they are.
 */
export class PledgeBatch {
  readonly #rows: Map<string, CashPledgeRow>;
  /** The states that a pledge passes through in one batch, written one after another: the database checks each step. */
  readonly #versions = new Map<string, CashPledgeRow[]>();
  readonly #transfers: TransferSpec[] = [];
  readonly #bookings = new Map<string, Booking>();
  readonly #backers = new Map<string, { campaignId: string; contributorId: string; kind: 'cash'; delta: number }>();

  constructor(
    private readonly tx: Tx,
    rows: readonly CashPledgeRow[],
    private readonly ledger: Ledger,
    private readonly funds: CampaignFunds,
  ) {
    this.#rows = new Map(rows.map((row) => [row.id, row]));
  }

  /** The pledge as it is now. Throws when it is not of the batch. */
  row(id: string): CashPledgeRow {
    const row = this.#rows.get(id);
    if (!row) throw new Error(`there is no pledge ${id}`);
    return row;
  }

  /** The pledge after the step, or undefined when its state doesn't know the event; nothing is changed then. */
  take(id: string, event: CashPledgeEvent, change: CashPledgeChange = {}): CashPledgeRow | undefined {
    const row = this.row(id);
    const to = cashPledgeMachine.next(row.state, event);
    if (to === undefined) return undefined;
    return this.#put(row, { ...row, ...change, state: to, isPromised: isPromise(to) }, `cash pledge ${to}`);
  }

  /** Changes what is not its state. */
  change(id: string, change: Omit<CashPledgeChange, 'state' | 'isPromised' | 'promises'>): CashPledgeRow {
    const row = this.row(id);
    return this.#put(row, { ...row, ...change }, 'cash pledge paid in part');
  }

  /** Everything of these steps, in the transaction. Last, because it takes the hot balance rows. */
  async write(): Promise<void> {
    for (let round = 0; ; round += 1) {
      const rows = [...this.#versions.values()].flatMap((versions) => versions[round] ?? []);
      if (rows.length === 0) break;
      await saveCashPledges(this.tx, rows);
    }
    const backers = [...this.#backers.values()].flatMap(({ delta, ...who }) =>
      Array.from({ length: Math.abs(delta) }, () => ({ ...who, delta: delta > 0 ? (1 as const) : (-1 as const) })),
    );
    if (backers.length > 0) await this.funds.backers(this.tx, backers);
    for (const [campaignId, booking] of [...this.#bookings].sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (Object.values(booking).some((amount: bigint) => amount !== 0n))
        await this.funds.book(this.tx, campaignId, booking);
    }
    if (this.#transfers.length === 0) return;
    const posted = await this.ledger.post(this.tx, this.#transfers);
    if (isRefused(posted)) throw new Error(`the ledger refused promises: ${posted.first.code}`);
  }

  #put(before: CashPledgeRow, asked: CashPledgeRow, reason: string): CashPledgeRow {
    const moved = outstanding(asked) - outstanding(before);
    const after = moved === 0n ? asked : { ...asked, promises: asked.promises + 1 };
    if (moved !== 0n) this.#transfers.push(promise(after, moved, after.promises, reason));
    this.#count(before, after);
    const versions = this.#versions.get(after.id) ?? [];
    if (versions.length > 0 && versions.at(-1)?.state === after.state) versions.pop();
    versions.push(after);
    this.#versions.set(after.id, versions);
    this.#rows.set(after.id, after);
    return after;
  }

  #count(before: CashPledgeRow, after: CashPledgeRow): void {
    const share = (row: CashPledgeRow, part: bigint): bigint => countedShare(row, part);
    const booking = this.#bookings.get(after.campaignId) ?? {
      promisedMinor: 0n,
      capturedMinor: 0n,
      refundedMinor: 0n,
      disputedMinor: 0n,
      feesMinor: 0n,
    };
    booking.promisedMinor += counted(after) - counted(before);
    booking.capturedMinor += share(after, after.collectedMinor) - share(before, before.collectedMinor);
    booking.refundedMinor += share(after, after.refundedMinor) - share(before, before.refundedMinor);
    booking.disputedMinor += share(after, after.disputedMinor) - share(before, before.disputedMinor);
    booking.feesMinor += share(after, after.feeMinor) - share(before, before.feeMinor);
    this.#bookings.set(after.campaignId, booking);
    const delta = Number(holdsCash(after.state)) - Number(holdsCash(before.state));
    if (delta === 0) return;
    const key = `${after.campaignId} ${after.contributorId}`;
    const backer = this.#backers.get(key) ?? {
      campaignId: after.campaignId,
      contributorId: after.contributorId,
      kind: 'cash' as const,
      delta: 0,
    };
    backer.delta += delta;
    this.#backers.set(key, backer);
  }
}

/** Begins batches of steps. */
@Injectable()
export class PledgeBatches {
  constructor(
    private readonly ledger: Ledger,
    private readonly funds: CampaignFunds,
  ) {}

  /** Over rows that the caller holds. */
  of(tx: Tx, rows: readonly CashPledgeRow[]): PledgeBatch {
    return new PledgeBatch(tx, rows, this.ledger, this.funds);
  }

  /** Over these pledges, held from now on. */
  async hold(tx: Tx, ids: readonly string[]): Promise<PledgeBatch> {
    return this.of(tx, await lockCashPledges(tx, ids));
  }
}
