import { Injectable } from '@nestjs/common';
import type { Tx } from '#platform';
import type { PayoutStatus } from './payout.machine.js';

/** A payout as the room that asked for it sees it. Amount in minor units of `currency`. */
export interface Payout {
  readonly id: string;
  readonly reference: string;
  readonly projectId: string;
  readonly beneficiaryId: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly status: PayoutStatus;
}

/**
 * `in_transit`: the first part has left. `succeeded`: every part has arrived. `failed`: nothing is under way, and what did not
 * arrive, or came back after it had arrived, is in escrow again; `arrivedMinor` did arrive, and a retry tries the rest.
 */
export type PayoutStep = { readonly payout: Payout; readonly attemptId: string } & (
  | { readonly kind: 'in_transit' | 'succeeded' }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string; readonly arrivedMinor: bigint }
);

/** Called inside the transaction that books the step; a throw undoes it, and it is tried again. */
export interface PayoutListener {
  onPayout(tx: Tx, step: PayoutStep): Promise<void>;
}

/** Who hears of payouts. The room that asks for them stands above this one and enters itself. */
@Injectable()
export class PayoutListeners {
  #listener: PayoutListener | undefined;

  register(listener: PayoutListener): void {
    if (this.#listener !== undefined && this.#listener !== listener) throw new Error('payouts have a listener already');
    this.#listener = listener;
  }

  /** @throws where nobody listens: a step that nobody hears of would be lost, so it is tried again instead. */
  get(): PayoutListener {
    if (this.#listener === undefined) throw new Error('nobody listens to payouts in this process');
    return this.#listener;
  }
}
