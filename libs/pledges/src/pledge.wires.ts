import { Injectable } from '@nestjs/common';
import type { CashApplication, CashReceipt } from '#payments';
import type { Tx } from '#platform';
import { cashAccounts } from './domain/cash-accounts.rule.js';
import { countedShare } from './domain/counted.rule.js';
import { donorEvent, pledgeEvent, toDonor } from './domain/pledge-event.rule.js';
import { share } from './domain/wire.rule.js';
import { PledgeBatches, type PledgeBatch } from './pledge.batch.js';
import { type CashPledgeRow, claimCashPledges } from './store/cash-pledge.store.js';
import { type ApplicationRow, insertApplications } from './store/pledge-money.store.js';

const MOST_WAITING = 100;

/** Money that donors' banks push: which pledge it pays, and how much of it. */
@Injectable()
export class PledgeWires {
  constructor(private readonly batches: PledgeBatches) {}

  /** Pledges that the receipts pay. What no open pledge wants stays the donor's unapplied cash. */
  async apply(tx: Tx, receipts: readonly CashReceipt[]): Promise<CashApplication[]> {
    const applications: CashApplication[] = [];
    for (const receipt of receipts) applications.push(...(await this.applyOne(tx, receipt)));
    return applications;
  }

  private async applyOne(tx: Tx, receipt: CashReceipt): Promise<CashApplication[]> {
    const rows = await claimCashPledges(
      tx,
      `pseudonym = $1 AND currency = $2 AND rail = 'bank_transfer' AND state IN ('instructions_issued', 'partially_funded')`,
      [receipt.contributorPseudonym, receipt.currency],
      MOST_WAITING,
    );
    const batch = this.batches.of(tx, rows);
    const parts = share(
      receipt.unappliedMinor,
      receipt.amountMinor,
      rows.map((row) => ({ id: row.id, missingMinor: row.amountMinor - row.collectedMinor })),
      receipt.minimumMinor,
    );
    const given = [...parts].map(([id, amountMinor]) => this.fund(tx, batch, id, amountMinor, receipt.receiptId));
    await insertApplications(
      tx,
      given.map(({ written }) => written),
    );
    await batch.write();
    return given.map(({ application }) => application);
  }

  /** One pledge gets a part of its donor's cash: the whole of what it misses, or as much as there is. */
  fund(
    tx: Tx,
    batch: PledgeBatch,
    pledgeId: string,
    amountMinor: bigint,
    cause: string,
  ): { application: CashApplication; written: ApplicationRow } {
    const row = batch.row(pledgeId);
    const collectedMinor = row.collectedMinor + amountMinor;
    const change = { collectedMinor, collectedAt: row.collectedAt ?? tx.now };
    if (collectedMinor >= row.amountMinor) {
      batch.take(row.id, 'fund', change);
      batch.take(row.id, 'collect');
    } else {
      if (!batch.take(row.id, 'fund_part', change)) batch.change(row.id, change);
      tx.emit(donorEvent('pledge.cash.partially_funded', row.campaignId, toDonor(row)));
    }
    tx.emit(
      pledgeEvent('pledge.cash.captured', row.campaignId, {
        pledgeId: row.id,
        amountMinor: String(amountMinor),
        feeMinor: '0',
        currency: row.currency,
        countedMinor: String(countedShare(row, collectedMinor) - countedShare(row, row.collectedMinor)),
      }),
    );
    return {
      application: applicationOf(row, amountMinor, cause),
      written: { applicationKey: `${row.id}:${cause}`, pledgeId: row.id, amountMinor },
    };
  }
}

function applicationOf(row: CashPledgeRow, amountMinor: bigint, cause: string): CashApplication {
  const accounts = cashAccounts(row.campaignId, row.currency);
  return {
    contributorPseudonym: row.pseudonym,
    currency: row.currency,
    applicationKey: cause,
    reference: row.id,
    purpose: 'pledge',
    beneficiaryId: row.campaignId,
    amountMinor,
    escrowAccount: accounts.escrow,
    refundsPayableAccount: accounts.refundsPayable,
    debtAccount: accounts.debt,
    reserveAccount: accounts.disputeReserve,
  };
}
