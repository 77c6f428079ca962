import { Injectable } from '@nestjs/common';
import type { Tx } from '#platform';

/** How many payments of the campaign are still under way: debits in processing, wires partly in, banks asking back. */
export type PendingSource = (tx: Tx, campaignId: string) => Promise<number>;

/** Asks the rooms that take money whether some of it is still on its way; they register here at start. */
@Injectable()
export class PendingPayments {
  private readonly sources: PendingSource[] = [];

  add(source: PendingSource): void {
    this.sources.push(source);
  }

  async of(tx: Tx, campaignId: string): Promise<number> {
    let pending = 0;
    for (const source of this.sources) pending += await source(tx, campaignId);
    return pending;
  }
}
