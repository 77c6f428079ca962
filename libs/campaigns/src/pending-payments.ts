import { Injectable } from '@nestjs/common';
import type { Tx } from '#platform';

/** Money of a campaign that is on its way, in minor units of its currency. */
export interface UnderWay {
  /** How many payments are still coming: debits in processing, wires partly in, banks asking back. */
  readonly payments: number;
  /** Promised, and nothing stands behind it yet: neither a saved method nor money. */
  readonly unsecuredMinor: bigint;
  /** Collected and asked back, so the campaign's no more, though it hasn't reached its owners. */
  readonly returningMinor: bigint;
}

export type PendingSource = (tx: Tx, campaignId: string) => Promise<UnderWay>;

/** Asks the rooms that take money what of it is still on its way; they register here at start. */
@Injectable()
export class PendingPayments {
  private readonly sources: PendingSource[] = [];

  add(source: PendingSource): void {
    this.sources.push(source);
  }

  async of(tx: Tx, campaignId: string): Promise<UnderWay> {
    const sum = { payments: 0, unsecuredMinor: 0n, returningMinor: 0n };
    for (const source of this.sources) {
      const { payments, unsecuredMinor, returningMinor } = await source(tx, campaignId);
      sum.payments += payments;
      sum.unsecuredMinor += unsecuredMinor;
      sum.returningMinor += returningMinor;
    }
    return sum;
  }
}
