import { Injectable } from '@nestjs/common';
import { PayoutAccounts } from './payout-accounts.js';
import { PayoutCourier } from './payout.courier.js';

/** What webhooks say about money that goes out; each is only a hint, what is applied is read from the processor. */
@Injectable()
export class MoneyOutHints {
  constructor(
    private readonly accounts: PayoutAccounts,
    private readonly courier: PayoutCourier,
  ) {}

  /** @returns false when the account is none of ours. */
  account(stripeAccountId: string): Promise<boolean> {
    return this.accounts.refresh(stripeAccountId);
  }

  /** @returns false when the transfer or payout is none of ours. */
  payout(objectId: string, attemptId: string | undefined): Promise<boolean> {
    return this.courier.hint(objectId, attemptId);
  }
}
