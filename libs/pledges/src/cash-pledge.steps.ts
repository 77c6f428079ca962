import { Injectable } from '@nestjs/common';
import { CampaignFunds } from '#campaigns';
import { isRefused } from '#kernel';
import { Ledger } from '#ledger';
import type { Tx } from '#platform';
import { type CashPledgeEvent, cashPledgeMachine, holdsCash, isPromise } from './domain/cash-pledge.machine.js';
import { promise, promiseEnd } from './domain/pledge-postings.rule.js';
import { type CashPledgeChange, type CashPledgeRow, changeCashPledge } from './store/cash-pledge.store.js';

/** Takes one step of a cash pledge with all that follows from it: state, promise in the books, backers of the campaign. */
@Injectable()
export class CashPledgeSteps {
  constructor(
    private readonly ledger: Ledger,
    private readonly funds: CampaignFunds,
  ) {}

  /**
   * The pledge after the step, or undefined when its state doesn't know the event; nothing is changed then. The caller
   * holds the row's lock.
   */
  async take(
    tx: Tx,
    row: CashPledgeRow,
    event: CashPledgeEvent,
    change: CashPledgeChange = {},
  ): Promise<CashPledgeRow | undefined> {
    const to = cashPledgeMachine.next(row.state, event);
    if (to === undefined) return undefined;
    const promised = isPromise(to);
    const promises = promised && !row.isPromised ? row.promises + 1 : row.promises;
    const next = await changeCashPledge(tx, row, { ...change, state: to, isPromised: promised, promises });
    if (holdsCash(to) !== holdsCash(row.state)) {
      await this.funds.backer(tx, row.campaignId, row.contributorId, 'cash', holdsCash(to) ? 1 : -1);
    }
    if (promised !== row.isPromised) {
      const transfer = promised ? promise(next, promises) : promiseEnd(next, promises, `cash pledge ${to}`);
      const posted = await this.ledger.post(tx, [transfer]);
      if (isRefused(posted)) throw new Error(`the ledger refused the promise of ${row.id}: ${posted.first.code}`);
    }
    return next;
  }
}
