import { Injectable } from '@nestjs/common';
import { PaymentMethods, Payments } from '#payments';
import type { Tx } from '#platform';
import type { CashPledgeRow } from './store/cash-pledge.store.js';

/** Lets go of the money side of pledges that nothing more is wanted of: open payments, setups and saved methods. */
@Injectable()
export class CloseMoney {
  constructor(
    private readonly payments: Payments,
    private readonly methods: PaymentMethods,
  ) {}

  /** @returns the open payments that the processor is to be told of. */
  async letGo(tx: Tx, rows: readonly CashPledgeRow[]): Promise<string[]> {
    if (rows.length === 0) return [];
    const references = rows.map((row) => row.id);
    const payments = await this.payments.requestCancels(tx, references);
    const saving = rows.filter((row) => row.state === 'method_required').map((row) => row.id);
    if (saving.length > 0) await this.methods.cancelSetups(tx, saving);
    // A plan's method serves its other months.
    const saved = rows.flatMap((row) => (row.planId === null ? (row.savedMethodId ?? []) : []));
    if (saved.length > 0) await this.methods.release(tx, saved);
    return payments;
  }
}
