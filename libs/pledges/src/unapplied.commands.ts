import { Injectable } from '@nestjs/common';
import { type Outcome, isRefused } from '#kernel';
import { BankTransfers, RAIL_TERMS } from '#payments';
import { UnitOfWork, type Viewer } from '#platform';
import { partOf } from './domain/wire.rule.js';
import { PledgeBatches } from './pledge.batch.js';
import { forbidden, notFound, wrongState } from './pledge.paying.js';
import { PledgeWires } from './pledge.wires.js';
import { refusePledge } from './pledge.refusal.js';
import { lockCashPledge } from './store/cash-pledge.store.js';
import { insertApplications } from './store/pledge-money.store.js';

type SignedIn = Viewer & { kind: 'contributor' };

/** What a donor decides about money of his that no pledge wanted: more than was pledged, or too late. */
@Injectable()
export class UnappliedCashCommands {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly transfers: BankTransfers,
    private readonly batches: PledgeBatches,
    private readonly wires: PledgeWires,
  ) {}

  of(viewer: SignedIn): Promise<{ currency: string; amountMinor: bigint }[]> {
    return this.uow.read((tx) => this.transfers.unapplied(tx, viewer.pseudonym));
  }

  /** Pays a bank transfer pledge of his with it, as far as it reaches. The key makes asking twice asking once. */
  async apply(viewer: SignedIn, pledgeId: string, key: string): Promise<Outcome<string>> {
    return this.uow.run('pledges.unapplied-apply', async (tx) => {
      const row = await lockCashPledge(tx, pledgeId);
      if (!row) return notFound();
      if (row.contributorId !== viewer.contributorId) return forbidden();
      if (row.state !== 'instructions_issued' && row.state !== 'partially_funded') return wrongState(row, 'fund');
      const cash = (await this.transfers.unapplied(tx, viewer.pseudonym)).find((own) => own.currency === row.currency);
      const leastMinor = RAIL_TERMS.bank_transfer.currencies[row.currency]?.minimumMinor ?? 1n;
      const part = partOf(row.amountMinor - row.collectedMinor, cash?.amountMinor ?? 0n, leastMinor);
      if (part < leastMinor) return refusePledge('PLEDGE_UNAPPLIED_CASH', ['input', 'pledgeId']);
      const batch = this.batches.of(tx, [row]);
      const { application, written } = this.wires.fund(tx, batch, row.id, part, `choice:${key}`);
      const applied = await this.transfers.apply(tx, [application]);
      if (isRefused(applied)) return applied;
      await insertApplications(tx, [written]);
      await batch.write();
      return row.id;
    });
  }

  /** Sends all of it in that currency back to the bank that it came from. */
  async refund(viewer: SignedIn, currency: string): Promise<Outcome<string>> {
    return this.uow.run('pledges.unapplied-refund', async (tx) => {
      const cash = (await this.transfers.unapplied(tx, viewer.pseudonym)).find((own) => own.currency === currency);
      if (!cash || cash.amountMinor <= 0n) return refusePledge('PLEDGE_UNAPPLIED_CASH', ['input', 'currency']);
      const back = await this.transfers.refundUnapplied(tx, {
        pseudonym: viewer.pseudonym,
        currency,
        amountMinor: cash.amountMinor,
        reason: 'asked for by the donor',
      });
      return isRefused(back) ? back : back.cashReturnId;
    });
  }
}
