import { Injectable } from '@nestjs/common';
import { isRefused, newId, type Outcome, type Refused } from '#kernel';
import { Ledger } from '#ledger';
import { type Tx, UnitOfWork, type Viewer } from '#platform';
import { takeTurn } from './exclusive.js';
import { noteOf, refuseReconciliation } from './reconciliation.refusal.js';
import { closeCases } from './store/case.store.js';
import {
  type BankTransfer,
  findBankTransfer,
  findLine,
  insertMatch,
  type LineRow,
  missingOfPayout,
  undoMatch,
} from './store/match.store.js';

type SignedIn = Viewer & { kind: 'contributor' };

/** What a line is, by the word of a person: a payout of the processor, or a transfer that is in the books. */
export interface MatchRequest {
  readonly lineId: string;
  readonly payoutId?: string | undefined;
  /** Id of a ledger transfer. */
  readonly transferId?: string | undefined;
  /** Why it is. */
  readonly note: string;
}

/** Bank lines matched by a person, and taken apart again. */
@Injectable()
export class BankMatches {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly ledger: Ledger,
  ) {}

  /**
   * Says what a bank line is. A payout is booked as arrived; a transfer was booked already. Refusals:
   * RECONCILIATION_FORBIDDEN, RECONCILIATION_NOTE_INVALID, BANK_LINE_NOT_FOUND, BANK_LINE_MATCHED,
   * BANK_COUNTERPART_NOT_FOUND, BANK_COUNTERPART_INVALID, BANK_COUNTERPART_MATCHED, BANK_MATCH_AMOUNT.
   */
  async match(viewer: SignedIn, request: MatchRequest): Promise<Outcome<LineRow>> {
    if (!viewer.platformRoles.has('operator')) return refuseReconciliation('RECONCILIATION_FORBIDDEN', []);
    const note = noteOf(request.note);
    if (note === undefined) return refuseReconciliation('RECONCILIATION_NOTE_INVALID', 'note');
    const { payoutId, transferId } = request;
    if ((payoutId === undefined) === (transferId === undefined)) {
      return refuseReconciliation('BANK_COUNTERPART_INVALID', 'payoutId');
    }
    return this.uow.run('bank-match', async (tx) => {
      await takeTurn(tx);
      const line = await findLine(tx, request.lineId);
      if (line === undefined) return refuseReconciliation('BANK_LINE_NOT_FOUND', 'lineId');
      if (line.match_id !== null) return refuseReconciliation('BANK_LINE_MATCHED', 'lineId', saysWhat(line));
      const by = { by: viewer.pseudonym, note };
      const refused =
        payoutId === undefined
          ? await this.#matchTransfer(tx, line, transferId ?? '', by)
          : await this.#matchPayout(tx, line, payoutId, by);
      if (refused !== undefined) return refused;
      await closeCases(tx, `bank_line:${line.id}`, 'A person said what the line is.');
      announce(tx, 'reconciliation.bank_line_matched', line.id, { payoutId, transferId, by: viewer.pseudonym });
      return reread(tx, line.id);
    });
  }

  /**
   * Takes a match apart: what it booked is booked back, and the comparison does not make it again by itself.
   * Refusals: RECONCILIATION_FORBIDDEN, RECONCILIATION_NOTE_INVALID, BANK_LINE_NOT_FOUND, BANK_MATCH_NOT_FOUND,
   * BANK_MATCH_CORRECTED.
   */
  async unmatch(viewer: SignedIn, lineId: string, why: string): Promise<Outcome<LineRow>> {
    if (!viewer.platformRoles.has('operator')) return refuseReconciliation('RECONCILIATION_FORBIDDEN', []);
    const reason = noteOf(why);
    if (reason === undefined) return refuseReconciliation('RECONCILIATION_NOTE_INVALID', 'reason');
    return this.uow.run('bank-unmatch', async (tx) => {
      await takeTurn(tx);
      const line = await findLine(tx, lineId);
      if (line === undefined) return refuseReconciliation('BANK_LINE_NOT_FOUND', 'lineId');
      if (line.match_id === null) return refuseReconciliation('BANK_MATCH_NOT_FOUND', 'lineId');
      if (line.ledger_key?.startsWith('correction:')) return refuseReconciliation('BANK_MATCH_CORRECTED', 'lineId');
      await undoMatch(tx, line.match_id, viewer.pseudonym, reason);
      announce(tx, 'reconciliation.bank_line_unmatched', line.id, { matchId: line.match_id, by: viewer.pseudonym });
      if (line.payout_id !== null) await bookArrival(tx, this.ledger, line, line.payout_id, line.match_id, true);
      return reread(tx, line.id);
    });
  }

  async #matchPayout(
    tx: Tx,
    line: LineRow,
    payoutId: string,
    by: { by: string; note: string },
  ): Promise<Refused | undefined> {
    const parts = await missingOfPayout(tx, payoutId);
    const part = parts.find(({ currency }) => currency === line.currency);
    if (parts.length === 0) return refuseReconciliation('BANK_COUNTERPART_NOT_FOUND', 'payoutId');
    if (part === undefined) return refuseReconciliation('BANK_MATCH_AMOUNT', 'payoutId', 'It is of another currency.');
    if (part.missing === 0n)
      return refuseReconciliation('BANK_COUNTERPART_MATCHED', 'payoutId', 'All of it has arrived.');
    if (part.missing !== line.amount_minor) return unequal('payoutId', line, part.missing);
    await arrive(tx, this.ledger, line, payoutId, by);
    await closeCases(tx, `payout:${payoutId}`, 'A person found it at the bank.', [
      'missing_in_bank',
      'bank_amount_differs',
    ]);
    return undefined;
  }

  async #matchTransfer(
    tx: Tx,
    line: LineRow,
    transferId: string,
    by: { by: string; note: string },
  ): Promise<Refused | undefined> {
    const transfer: BankTransfer | undefined = await findBankTransfer(tx, transferId);
    if (transfer === undefined) return refuseReconciliation('BANK_COUNTERPART_NOT_FOUND', 'transferId');
    if (transfer.unit !== line.currency) {
      return refuseReconciliation('BANK_MATCH_AMOUNT', 'transferId', 'It is of another currency.');
    }
    if (transfer.is_matched) return refuseReconciliation('BANK_COUNTERPART_MATCHED', 'transferId');
    if (BigInt(transfer.moved) !== line.amount_minor) return unequal('transferId', line, BigInt(transfer.moved));
    const made = await insertMatch(tx, {
      id: newId(),
      lineId: line.id,
      payoutId: null,
      ledgerKey: transfer.key,
      ...by,
    });
    return made ? undefined : refuseReconciliation('BANK_COUNTERPART_MATCHED', 'transferId');
  }
}

/** A line that is a payout: matched, and in transit no longer. `by`: null when the comparison found it. */
export async function arrive(
  tx: Tx,
  ledger: Ledger,
  line: Pick<LineRow, 'id' | 'currency' | 'amount_minor'>,
  payoutId: string,
  by: { by: string; note: string } | null,
): Promise<void> {
  const matchId = newId();
  const made = await insertMatch(tx, {
    id: matchId,
    lineId: line.id,
    payoutId,
    ledgerKey: `bank_line:${line.id}:${matchId}`,
    by: by?.by ?? null,
    note: by?.note ?? null,
  });
  if (!made) throw new Error(`bank line ${line.id} was matched past the turn that is taken`);
  await bookArrival(tx, ledger, line, payoutId, matchId, false);
}

async function bookArrival(
  tx: Tx,
  ledger: Ledger,
  line: Pick<LineRow, 'id' | 'currency' | 'amount_minor'>,
  payoutId: string,
  matchId: string,
  isUndone: boolean,
): Promise<void> {
  const { id, currency: unit, amount_minor: minor } = line;
  const [operating, transit] = [`bank:operating:${unit}`, `bank:in_transit:${unit}`];
  await ledger.openAccounts(
    tx,
    [operating, transit].map((code) => ({ code, unit, limit: 'none' as const })),
  );
  const came = minor > 0n;
  const [debit, credit] = came === isUndone ? [transit, operating] : [operating, transit];
  const what = came ? 'payout arrived at the bank' : 'left the bank for the processor';
  const posted = await ledger.post(tx, [
    {
      key: isUndone ? `bank_match:${matchId}:undone` : `bank_line:${id}:${matchId}`,
      kind: 'posted',
      debit,
      credit,
      amount: came ? minor : -minor,
      reason: isUndone ? `taken apart: ${what}` : what,
      refs: { bank_line: id, bank_match: matchId, processor_payout: payoutId },
    },
  ]);
  if (isRefused(posted)) throw new Error(`a bank line could not be booked: ${posted.first.code}`);
}

const unequal = (field: string, line: LineRow, other: bigint): Refused =>
  refuseReconciliation(
    'BANK_MATCH_AMOUNT',
    field,
    `The line is ${line.amount_minor} ${line.currency}, the other side ${other}.`,
  );
const saysWhat = (line: LineRow): string =>
  line.payout_id === null ? `It stands for the transfer ${line.ledger_key}.` : `It is the payout ${line.payout_id}.`;

function announce(tx: Tx, type: string, lineId: string, payload: object): void {
  tx.emit({ type, aggregateType: 'bank_line', aggregateId: lineId, payload: { lineId, ...payload } });
}

async function reread(tx: Tx, id: string): Promise<LineRow> {
  const line = await findLine(tx, id);
  if (line === undefined) throw new Error(`bank line ${id} vanished`);
  return line;
}
