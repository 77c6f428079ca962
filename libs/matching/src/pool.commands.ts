import { Injectable } from '@nestjs/common';
import { type Outcome, type Refused, isRefused, newId, parseMinorUnits } from '#kernel';
import { Ledger } from '#ledger';
import {
  BankTransfers,
  type CardPayment,
  type FundingInstructions,
  type PaymentInput,
  Payments,
  RAIL_TERMS,
  type Rail,
} from '#payments';
import { type DomainEventInput, type Tx, UnitOfWork, type Viewer } from '#platform';
import { depositMachine } from './domain/deposit.machine.js';
import { poolAccounts, poolAccountsToOpen } from './domain/pool-postings.rule.js';
import { returnsOf } from './domain/return.rule.js';
import { refuseMatch } from './matching.refusal.js';
import {
  type DepositRow,
  askBack,
  changeDeposit,
  collectedDeposits,
  depositByKey,
  depositPayments,
  insertDeposit,
  lockDeposit,
} from './store/deposit.store.js';
import { type PoolRow, findPool, insertPool, lockPool } from './store/pool.store.js';

export type SignedIn = Viewer & { kind: 'contributor' };

export interface PoolDeposit {
  readonly poolId: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly rail: Rail;
  readonly anonymous?: boolean | undefined;
  readonly idempotencyKey: string;
}

export interface MadeDeposit {
  readonly deposit: DepositRow;
  /** Null once nothing is left to pay, and for a bank transfer. */
  readonly payment: CardPayment | null;
  /** Where a bank transfer goes, while it is waited for. */
  readonly transfer: FundingInstructions | null;
}

const CURRENCIES: ReadonlySet<string> = new Set(['USD', 'EUR', 'GBP', 'CHF', 'CAD', 'JPY']);

/** What sponsors and the managers of pools do with pools. */
@Injectable()
export class PoolCommands {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly ledger: Ledger,
    private readonly payments: Payments,
    private readonly transfers: BankTransfers,
  ) {}

  /** Opens a pool and its accounts. Who opens it manages it. */
  create(viewer: SignedIn, input: { title: string; currency: string }): Promise<Outcome<string>> {
    return this.uow.run('matching.pool-create', async (tx) => {
      const title = input.title.trim();
      if (title.length < 3 || title.length > 120) return refuseMatch('MATCHING_TEXT_INVALID', ['input', 'title']);
      if (!CURRENCIES.has(input.currency))
        return refuseMatch('MATCHING_TERMS_INVALID', ['input', 'currency'], `Got ${input.currency.slice(0, 10)}.`);
      const id = newId();
      await this.ledger.openAccounts(tx, poolAccountsToOpen(id, input.currency));
      await insertPool(tx, { id, title, currency: input.currency, createdBy: viewer.contributorId });
      tx.emit(poolEvent('match.pool.opened', id, { title, currency: input.currency }));
      return id;
    });
  }

  /**
   * Begins a sponsor's payment into a pool. Deposit and payment row are committed before the processor hears of them;
   * the same key with the same particulars gives the same deposit again. A bank transfer is announced: its money is
   * taken when all of it has come. Refusals of the payment come through.
   */
  async deposit(viewer: SignedIn, input: PoolDeposit): Promise<Outcome<MadeDeposit>> {
    const made = await this.uow.run('matching.deposit', (tx) => this.prepare(tx, viewer, input));
    if (isRefused(made)) return made;
    const { deposit, paymentId } = made;
    const isOpen = deposit.state === 'created' || deposit.state === 'failed';
    if (paymentId === undefined) {
      const transfer = isOpen ? await this.transfers.instructions(viewer.pseudonym, deposit.currency) : null;
      return isRefused(transfer) ? transfer : { deposit, payment: null, transfer };
    }
    if (!isOpen) return { deposit, payment: null, transfer: null };
    const payment = await this.payments.submitPayment(paymentId);
    return isRefused(payment) ? payment : { deposit, payment, transfer: null };
  }

  /** Takes an announced bank transfer back before its money has come; what comes later stays the sender's. */
  withdraw(viewer: SignedIn, depositId: string): Promise<Outcome<string>> {
    return this.uow.run('matching.deposit-withdraw', async (tx) => {
      const deposit = await lockDeposit(tx, depositId);
      if (!deposit || deposit.contributorId !== viewer.contributorId)
        return refuseMatch('MATCHING_DEPOSIT_NOT_FOUND', ['input', 'depositId']);
      if (deposit.rail !== 'bank_transfer' || deposit.state !== 'created')
        return refuseMatch('MATCHING_DEPOSIT_STATE_INVALID', ['input', 'depositId'], `It is ${deposit.state}.`);
      const state = depositMachine.next(deposit.state, 'fail');
      await changeDeposit(tx, deposit.id, { state, failureCode: 'withdrawn' });
      return deposit.poolId;
    });
  }

  private async prepare(
    tx: Tx,
    viewer: SignedIn,
    input: PoolDeposit,
  ): Promise<Outcome<{ deposit: DepositRow; paymentId: string | undefined }>> {
    const amountMinor = parseMinorUnits(String(input.amountMinor), ['input', 'amountMinor']);
    if (isRefused(amountMinor)) return amountMinor;
    const pool = await findPool(tx, input.poolId);
    if (!pool) return poolNotFound();
    if (!/^[\x21-\x7e]{8,100}$/.test(input.idempotencyKey))
      return refuseMatch('MATCHING_KEY_INVALID', ['input', 'idempotencyKey']);
    if (input.currency !== pool.currency)
      return refuseMatch('MATCHING_TERMS_INVALID', ['input', 'currency'], `The pool takes ${pool.currency}.`);
    const unfit = input.rail === 'bank_transfer' ? refuseTransfer(amountMinor, pool.currency) : undefined;
    if (unfit) return unfit;
    const id = newId();
    await insertDeposit(tx, {
      id,
      poolId: pool.id,
      contributorId: viewer.contributorId,
      pseudonym: viewer.pseudonym,
      isAnonymous: input.anonymous ?? false,
      amountMinor,
      currency: input.currency,
      rail: input.rail,
      idempotencyKey: input.idempotencyKey,
    });
    const deposit = await depositByKey(tx, viewer.contributorId, input.idempotencyKey);
    if (!deposit) throw new Error(`deposit under key ${input.idempotencyKey} was neither written nor found`);
    const isSame =
      deposit.poolId === pool.id &&
      deposit.amountMinor === amountMinor &&
      deposit.rail === input.rail &&
      deposit.isAnonymous === (input.anonymous ?? false);
    if (!isSame) return refuseMatch('MATCHING_KEY_MISMATCH', ['input', 'idempotencyKey']);
    if (deposit.rail === 'bank_transfer') return { deposit, paymentId: undefined };
    const prepared = await this.payments.preparePayments(tx, [paymentOf(deposit, pool)]);
    return isRefused(prepared) ? prepared : { deposit, paymentId: prepared[0] ?? '' };
  }

  /**
   * Gives what no round has been promised back to the sponsors, in proportion to what each has in the pool, to the last
   * unit. Managers and operators. Answers the ids of the refunds.
   */
  async giveBack(viewer: SignedIn, poolId: string, reason: string): Promise<Outcome<string[]>> {
    const refunds = await this.uow.run('matching.give-back', async (tx) => {
      const pool = await lockPool(tx, poolId);
      if (!pool) return poolNotFound();
      const denied = mayManage(viewer, pool) ?? refuseText(reason, 'reason');
      if (denied) return denied;
      const free = await this.ledger.balance(tx, poolAccounts(pool.id, pool.currency).pool);
      const deposits = await collectedDeposits(tx, pool.id);
      const left = free.creditsPosted - free.debitsPosted - free.debitsPending;
      const payments = await depositPayments(
        tx,
        deposits.map((d) => d.id),
      );
      const held = payments.map(({ paymentId, heldMinor }) => ({ paymentId, heldMinor }));
      const returns = returnsOf(left, held);
      if (returns.size === 0)
        return refuseMatch('MATCHING_POOL_NOTHING_LEFT', ['input', 'poolId'], `It has ${left} free.`);
      const asked: string[] = [];
      for (const { paymentId } of payments) {
        const amountMinor = returns.get(paymentId);
        if (amountMinor === undefined) continue;
        const refund = await this.payments.requestRefund(tx, paymentId, amountMinor, reason);
        if (isRefused(refund)) return refund;
        await askBack(tx, paymentId, amountMinor);
        asked.push(refund.refundId);
      }
      const returning = new Set(payments.flatMap((p) => (returns.has(p.paymentId) ? [p.depositId] : [])));
      for (const { id, state } of deposits)
        if (returning.has(id)) await changeDeposit(tx, id, { state: depositMachine.next(state, 'request_refund') });
      const total = [...returns.values()].reduce((sum, amount) => sum + amount, 0n);
      tx.emit(
        poolEvent('match.pool.given_back', pool.id, {
          amountMinor: String(total),
          currency: pool.currency,
          sponsors: returning.size,
          reason,
        }),
      );
      return asked;
    });
    if (isRefused(refunds)) return refunds;
    // The processor is told now; if this process dies first, the sweep of payments tells it.
    for (const refundId of refunds) await this.payments.submitRefund(refundId);
    return refunds;
  }
}

export const poolNotFound = (): Refused => refuseMatch('MATCHING_POOL_NOT_FOUND', ['input', 'poolId']);

/** Undefined for whoever opened the pool and for operators. */
export const mayManage = (viewer: SignedIn, pool: Pick<PoolRow, 'createdBy'>): Refused | undefined =>
  viewer.contributorId === pool.createdBy || viewer.platformRoles.has('operator')
    ? undefined
    : refuseMatch('MATCHING_FORBIDDEN', ['input']);

export const refuseText = (text: string, field: string): Refused | undefined =>
  text.trim().length >= 3 && text.length <= 500
    ? undefined
    : refuseMatch('MATCHING_TEXT_INVALID', ['input', field], `Got ${text.trim().length} characters.`);

export const poolEvent = (type: string, poolId: string, payload: object): DomainEventInput => ({
  type,
  aggregateType: 'match_pool',
  aggregateId: poolId,
  isPublic: true,
  payload: { poolId, ...payload },
});

/** Less than the processor moves would never be taken. */
function refuseTransfer(amountMinor: bigint, currency: string): Refused | undefined {
  const least = RAIL_TERMS.bank_transfer.currencies[currency]?.minimumMinor;
  if (least === undefined)
    return refuseMatch('MATCHING_TERMS_INVALID', ['input', 'rail'], `No bank transfer carries ${currency}.`);
  if (amountMinor >= least) return undefined;
  return refuseMatch('MATCHING_TERMS_INVALID', ['input', 'amountMinor'], `At least ${least} minor units.`);
}

function paymentOf(deposit: DepositRow, pool: PoolRow): PaymentInput {
  const accounts = poolAccounts(pool.id, pool.currency);
  return {
    reference: deposit.id,
    purpose: 'pool',
    beneficiaryId: pool.id,
    rail: deposit.rail as Rail,
    amountMinor: deposit.amountMinor,
    currency: deposit.currency,
    escrowAccount: accounts.pool,
    refundsPayableAccount: accounts.refundsPayable,
    debtAccount: accounts.debt,
    description: `Deposit to the matching pool ${pool.title}`,
    contributorPseudonym: deposit.pseudonym,
  };
}
