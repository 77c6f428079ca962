import type { AccountSpec, TransferSpec } from '#ledger';

/** Accounts of a pool in its currency. The pool is owed to its sponsors' purpose and can't be overdrawn. */
export const poolAccounts = (poolId: string, currency: string) => ({
  pool: `pool:${poolId}:${currency}`,
  refundsPayable: `pool:${poolId}:refunds_payable:${currency}`,
  debt: `pool:${poolId}:debt:${currency}`,
});
/** What an open round has of its pool. */
export const roundAccount = (poolId: string, roundId: string, currency: string): string =>
  `pool:${poolId}:round:${roundId}:${currency}`;

export function poolAccountsToOpen(poolId: string, currency: string): AccountSpec[] {
  const { pool, refundsPayable, debt } = poolAccounts(poolId, currency);
  const guarded = 'debits_must_not_exceed_credits' as const;
  return [
    { code: pool, unit: currency, limit: guarded },
    { code: refundsPayable, unit: currency, limit: guarded },
    { code: debt, unit: currency, limit: 'none' },
  ];
}

interface RoundMoney {
  readonly id: string;
  readonly poolId: string;
  readonly currency: string;
}

const posted = (round: RoundMoney, spec: Omit<TransferSpec, 'kind' | 'refs'>, more = {}): TransferSpec => ({
  ...spec,
  kind: 'posted',
  refs: { round: round.id, pool: round.poolId, ...more },
});

export const promiseOf = (round: RoundMoney, amount: bigint): TransferSpec =>
  posted(round, {
    key: `match:${round.id}:promise`,
    debit: poolAccounts(round.poolId, round.currency).pool,
    credit: roundAccount(round.poolId, round.id, round.currency),
    amount,
    reason: 'match promised',
  });

export const paymentTo = (round: RoundMoney, campaignId: string, amount: bigint): TransferSpec =>
  posted(
    round,
    {
      key: `match:${round.id}:campaign:${campaignId}`,
      debit: roundAccount(round.poolId, round.id, round.currency),
      credit: `campaign:${campaignId}:escrow:${round.currency}`,
      amount,
      reason: 'match paid',
    },
    { campaign: campaignId },
  );

/** What a round doesn't pay goes back to its pool. */
export const returnOf = (round: RoundMoney, amount: bigint): TransferSpec =>
  posted(round, {
    key: `match:${round.id}:return`,
    debit: roundAccount(round.poolId, round.id, round.currency),
    credit: poolAccounts(round.poolId, round.currency).pool,
    amount,
    reason: 'match not needed',
  });
