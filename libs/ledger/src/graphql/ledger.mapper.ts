import { toGlobalId } from '#platform';
import type { AccountRow, TransferRow, TrialBalanceRow } from '../store/book.queries.js';
import type {
  LedgerAccount,
  LedgerLimit,
  LedgerSide,
  LedgerTransfer,
  LedgerTransferKind,
  LedgerTransferState,
} from './ledger.types.js';
import type { LedgerSeal, LedgerTrialBalanceLine } from './ledger.types.js';

export const toAccount = (row: AccountRow): LedgerAccount => ({
  accountId: row.id,
  id: toGlobalId('LedgerAccount', row.id),
  code: row.code,
  unit: row.unit,
  scale: row.scale,
  limit: row.limit_rule as LedgerLimit,
  openedAt: row.opened_at,
  closed: row.closed,
  debitsPending: row.debits_pending,
  debitsPosted: row.debits_posted,
  creditsPending: row.credits_pending,
  creditsPosted: row.credits_posted,
});

export const toTransfer = (row: TransferRow): LedgerTransfer => ({
  transferId: row.id,
  debitAccountId: row.debit_account_id,
  creditAccountId: row.credit_account_id,
  pendingId: row.pending_id,
  id: toGlobalId('LedgerTransfer', row.id),
  key: row.key,
  kind: row.kind as LedgerTransferKind,
  state: row.state as LedgerTransferState,
  amount: row.amount,
  unit: row.unit,
  reason: row.reason,
  refs: row.refs,
  createdAt: row.recorded_at,
  expiresAt: row.expires_at,
  closes: row.closes as LedgerSide | null,
  position: row.seq,
});

export const toSeal = (row: { position: bigint; hash: Buffer }): LedgerSeal => ({
  position: row.position,
  hash: row.hash.toString('hex'),
});

export const toTrialBalanceLine = (row: TrialBalanceRow, seal: LedgerSeal | null): LedgerTrialBalanceLine => ({
  seal,
  unit: row.unit,
  scale: row.scale,
  accounts: row.accounts,
  debits: row.debits,
  credits: row.credits,
  debitsPending: row.debits_pending,
  creditsPending: row.credits_pending,
  balanced: row.debits === row.credits && row.debits_pending === row.credits_pending,
});
