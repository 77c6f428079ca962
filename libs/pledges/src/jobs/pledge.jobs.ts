import { Inject } from '@nestjs/common';
import { CampaignFunds } from '#campaigns';
import { isRefused } from '#kernel';
import { Payments } from '#payments';
import {
  type Clockwork,
  ClockworkTask,
  type DomainEvent,
  type EventSubscriber,
  LOGGER,
  type Logger,
  Subscriber,
  type Tx,
  UnitOfWork,
} from '#platform';
import { CashPledgeCommands } from '../cash-pledge.commands.js';
import { PledgePaying } from '../pledge.paying.js';
import { CloseRunner } from '../close.runner.js';
import { ComputePledgeCommands } from '../compute-pledge.commands.js';
import { PledgeCharging } from '../pledge.charging.js';
import { PledgePlanCommands } from '../plan.commands.js';
import { RefundRunner } from '../refund.runner.js';
import { lockCashPledge } from '../store/cash-pledge.store.js';
import { beginClose } from '../store/close.store.js';
import { lockComputePledge } from '../store/compute-pledge.store.js';
import { duePlans } from '../store/plan.store.js';
import { beginRefundRun } from '../store/refund-run.store.js';

/** Moves compute pledges on when their usage is settled. */
@Subscriber()
export class UsageSubscriber implements EventSubscriber {
  readonly name = 'pledges.usage';
  readonly types = ['usage.settled'];
  constructor(private readonly compute: ComputePledgeCommands) {}

  async handle(event: DomainEvent, tx: Tx): Promise<void> {
    const { pledgeId, deliveredMs, acceptedMs } = event.payload;
    if (typeof pledgeId !== 'string') return;
    const amount = (value: unknown): bigint => (typeof value === 'string' ? BigInt(value) : 0n);
    await this.compute.deliveries(tx, pledgeId, { judgedMs: amount(deliveredMs), acceptedMs: amount(acceptedMs) });
  }
}

/** Begins the close of a campaign that settles, and the refund of one that ended without its goal. */
@Subscriber()
export class CampaignEndSubscriber implements EventSubscriber {
  readonly name = 'pledges.campaign-end';
  readonly types = ['campaign.settling', 'campaign.failed', 'campaign.cancelled'];
  constructor(private readonly funds: CampaignFunds) {}

  async handle(event: DomainEvent, tx: Tx): Promise<void> {
    const campaignId = String(event.payload['campaignId']);
    const campaign = (await this.funds.hold(tx, [campaignId])).get(campaignId);
    if (!campaign) return;
    if (event.type === 'campaign.settling')
      await beginClose(tx, {
        campaignId,
        snapshotId: String(event.payload['snapshotId']),
        retryEverySeconds: campaign.plan.windows.retryEverySeconds,
      });
    // What never was live has no backers.
    else if (campaign.liveAt !== null)
      await beginRefundRun(
        tx,
        campaignId,
        event.type === 'campaign.failed' ? 'the campaign missed its goal' : 'the campaign was cancelled',
      );
  }
}

/**
 * While a campaign is suspended nobody is charged: what the processor was not told of waits, and times of what is open
 * move by as long as it stood.
 */
@Subscriber()
export class SuspensionSubscriber implements EventSubscriber {
  readonly name = 'pledges.suspension';
  readonly types = ['campaign.suspended', 'campaign.resumed'];
  constructor(private readonly payments: Payments) {}

  async handle(event: DomainEvent, tx: Tx): Promise<void> {
    const campaignId = String(event.payload['campaignId']);
    const rows = await tx.query<{ id: string }>(
      `SELECT id FROM cash_pledge WHERE campaign_id = $1 AND state IN ('charging', 'errored', 'needs_action')`,
      [campaignId],
    );
    const ids = rows.map((row) => row.id);
    const [campaign] = await tx.query<{ state: string }>('SELECT state FROM campaign WHERE id = $1', [campaignId]);
    // Told late, a suspension that is over stops nothing.
    if (event.type === 'campaign.suspended' && campaign?.state === 'suspended') await this.payments.pause(tx, ids);
    if (event.type !== 'campaign.resumed') return;
    await this.payments.resume(tx, ids);
    await tx.query(
      `UPDATE cash_pledge SET expires_at = expires_at + make_interval(secs => $2),
              next_attempt_at = next_attempt_at + make_interval(secs => $2)
        WHERE campaign_id = $1 AND state IN ('errored', 'needs_action', 'instructions_issued', 'partially_funded')`,
      [campaignId, Number(event.payload['suspendedMs']) / 1000],
    );
  }
}

/** Forgets the names that an erased person gave to pledges, plans and invoices. */
@Subscriber()
export class ErasureSubscriber implements EventSubscriber {
  readonly name = 'pledges.erasure';
  readonly types = ['contributor.erased'];

  async handle(event: DomainEvent, tx: Tx): Promise<void> {
    const who = [event.payload['pseudonym']];
    await tx.query('UPDATE cash_pledge SET display_name = NULL WHERE pseudonym = $1 AND display_name IS NOT NULL', who);
    await tx.query('UPDATE pledge_plan SET display_name = NULL WHERE pseudonym = $1 AND display_name IS NOT NULL', who);
    await tx.query(
      'DELETE FROM pledge_billing WHERE pledge_id IN (SELECT id FROM cash_pledge WHERE pseudonym = $1)',
      who,
    );
  }
}

@ClockworkTask()
export class CloseClock implements Clockwork {
  readonly name = 'pledges.close';
  readonly everyMs = 1_000;
  constructor(private readonly runner: CloseRunner) {}

  tick(): Promise<void> {
    return this.runner.run();
  }
}

/** Monthly pledges: the notice ahead, then the debit. */
@ClockworkTask()
export class PlanClock implements Clockwork {
  readonly name = 'pledges.plans';
  readonly everyMs = 10_000;
  constructor(
    private readonly uow: UnitOfWork,
    private readonly plans: PledgePlanCommands,
  ) {}

  async tick(): Promise<void> {
    while ((await this.plans.notice()) > 0);
    const due = await this.uow.read((tx) => duePlans(tx, 1000));
    for (const id of due) await this.plans.charge(id);
  }
}

/** Charges outside a close that failed and are due again, and what was begun and never paid. */
@ClockworkTask()
export class ChargingClock implements Clockwork {
  readonly name = 'pledges.charging';
  readonly everyMs = 10_000;
  constructor(private readonly charging: PledgeCharging) {}

  async tick(): Promise<void> {
    await this.charging.chargeAgain();
    await this.charging.abandon();
    await this.charging.expire();
  }
}

const BATCH = 50;

/**
 * Winds up what ended campaigns left open: money goes back where the goal was missed, pledges that completed campaigns were never paid are cancelled, compute that
 * wasn't delivered goes back, fulfilling the pledges that delivered. Each pledge is its own unit of work, and the work
 * list is the state of the tables, so that it goes on after any crash where it was.
 */
@ClockworkTask()
export class WindUpClock implements Clockwork {
  readonly name = 'pledges.wind-up';
  readonly everyMs = 2_000;

  constructor(
    private readonly uow: UnitOfWork,
    private readonly cash: CashPledgeCommands,
    private readonly paying: PledgePaying,
    private readonly compute: ComputePledgeCommands,
    private readonly refunds: RefundRunner,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async tick(): Promise<void> {
    await this.refunds.run();
    await this.each(
      `SELECT p.id FROM campaign c JOIN cash_pledge p ON p.campaign_id = c.id
        WHERE c.state IN ('completed', 'closed') AND p.snapshot_id IS NULL AND p.collected_minor = 0
          AND p.state IN ('created', 'needs_action', 'errored', 'method_required', 'pledged', 'instructions_issued')
        ORDER BY p.id LIMIT ${BATCH}`,
      (id) => this.cancelUnpaid(id),
    );
    await this.each(
      `SELECT p.id FROM campaign c JOIN compute_pledge p ON p.campaign_id = c.id
        WHERE c.state IN ('failed', 'cancelled', 'refunding', 'refunded', 'completed', 'closed')
          AND p.state IN ('offered', 'accepted', 'delivering')
        ORDER BY p.id LIMIT ${BATCH}`,
      (id) => this.windUpCompute(id),
    );
  }

  private async each(sql: string, act: (id: string) => Promise<void>): Promise<void> {
    const rows = await this.uow.read((tx) => tx.query<{ id: string }>(sql));
    for (const { id } of rows) {
      try {
        await act(id);
      } catch (error) {
        this.logger.error({ err: error, pledgeId: id }, 'a pledge could not be wound up; it is tried again');
      }
    }
  }

  private async cancelUnpaid(id: string): Promise<void> {
    const payments = await this.uow.run('pledges.wind-up-cash', async (tx) => {
      const pledge = await lockCashPledge(tx, id);
      return pledge ? this.cash.cancelIn(tx, pledge) : [];
    });
    if (!isRefused(payments)) await this.paying.submitCancels(payments);
  }

  private async windUpCompute(id: string): Promise<void> {
    await this.uow.run('pledges.wind-up-compute', async (tx) => {
      const pledge = await lockComputePledge(tx, id);
      return pledge ? this.compute.windUp(tx, pledge) : id;
    });
  }
}
