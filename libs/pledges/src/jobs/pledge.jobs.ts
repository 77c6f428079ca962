import { Inject } from '@nestjs/common';
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
import { ComputePledgeCommands } from '../compute-pledge.commands.js';
import { lockCashPledge } from '../store/cash-pledge.store.js';
import { lockComputePledge } from '../store/compute-pledge.store.js';

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

const BATCH = 50;

/**
 * Winds up what ended campaigns left open: unpaid pledges are cancelled, captured ones of cancelled campaigns refunded,
 * compute that wasn't delivered goes back, fulfilling the pledges that delivered. Each pledge is its own unit of work, and the work list is the state of the
 * tables, so that it goes on after any crash where it was.
 */
@ClockworkTask()
export class WindUpClock implements Clockwork {
  readonly name = 'pledges.wind-up';
  readonly everyMs = 2_000;

  constructor(
    private readonly uow: UnitOfWork,
    private readonly cash: CashPledgeCommands,
    private readonly compute: ComputePledgeCommands,
    private readonly payments: Payments,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async tick(): Promise<void> {
    await this.each(
      `SELECT p.id FROM campaign c JOIN cash_pledge p ON p.campaign_id = c.id
        WHERE c.state IN ('failed', 'cancelled', 'completed') AND p.state IN ('created', 'requires_action', 'failed')
        ORDER BY p.id LIMIT ${BATCH}`,
      (id) => this.cancelUnpaid(id),
    );
    await this.each(
      `SELECT p.id FROM campaign c JOIN cash_pledge p ON p.campaign_id = c.id
        WHERE c.state = 'cancelled' AND p.state = 'captured'
          AND NOT EXISTS (SELECT 1 FROM cash_pledge_refund r WHERE r.pledge_id = p.id AND r.state = 'failed')
        ORDER BY p.id LIMIT ${BATCH}`,
      (id) => this.refundCaptured(id),
    );
    await this.each(
      `SELECT p.id FROM campaign c JOIN compute_pledge p ON p.campaign_id = c.id
        WHERE c.state IN ('failed', 'cancelled', 'completed') AND p.state IN ('offered', 'accepted', 'delivering')
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
    if (!isRefused(payments)) await this.payments.submitCancels(payments);
  }

  private async refundCaptured(id: string): Promise<void> {
    const refund = await this.uow.run('pledges.wind-up-refund', async (tx) => {
      const pledge = await lockCashPledge(tx, id);
      return pledge ? this.cash.refundIn(tx, pledge, 'the campaign was cancelled') : '';
    });
    if (isRefused(refund))
      this.logger.warn({ pledgeId: id, code: refund.first.code }, 'a pledge could not be refunded');
    else if (refund !== '') await this.payments.submitRefund(refund);
  }

  private async windUpCompute(id: string): Promise<void> {
    await this.uow.run('pledges.wind-up-compute', async (tx) => {
      const pledge = await lockComputePledge(tx, id);
      return pledge ? this.compute.windUp(tx, pledge) : id;
    });
  }
}
