import { Inject } from '@nestjs/common';
import { isRefused } from '#kernel';
import { type Clockwork, ClockworkTask, LOGGER, type Logger, UnitOfWork } from '#platform';
import Stripe from 'stripe';
import { WebhookIntake } from '../inbox/webhook.intake.js';
import { STRIPE } from '../processor/stripe.token.js';
import { comparedUntil, saveComparedUntil } from '../store/inbox.store.js';

/** Stripe lists events for 30 days. */
const REACH_MS = 30 * 24 * 3_600_000;
/** Read again what is younger than this: events are listed a little after they happen. */
const OVERLAP_MS = 10 * 60_000;
const PAGE = 100;

/** Events that no delivery brought are found in Stripe's own list and put into the inbox like any other. */
@ClockworkTask()
export class EventBackfillJob implements Clockwork {
  readonly name = 'stripe-backfill';
  readonly everyMs = 60_000;

  constructor(
    private readonly uow: UnitOfWork,
    private readonly intake: WebhookIntake,
    @Inject(STRIPE) private readonly stripe: Stripe,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async tick(): Promise<void> {
    await this.compare();
  }

  /** @returns how many events had been missed. */
  async compare(): Promise<number> {
    const { startedAt, known } = await this.uow.read(async (tx) => ({
      startedAt: tx.now,
      known: await comparedUntil(tx),
    }));
    const from = Math.max((known ?? startedAt).getTime() - OVERLAP_MS, startedAt.getTime() - REACH_MS);
    const asked = { created: { gte: Math.floor(from / 1000) }, delivery_success: false, limit: PAGE };
    let missed = 0;
    let page = await this.stripe.events.list(asked);
    for (;;) {
      // A page is stored by few commits.
      const outcomes = await Promise.all(page.data.map((event) => this.intake.accept(event)));
      missed += outcomes.filter((outcome) => !isRefused(outcome) && outcome.isNew).length;
      const last = page.data.at(-1)?.id;
      if (!page.has_more || last === undefined) break;
      page = await this.stripe.events.list({ ...asked, starting_after: last });
    }
    await this.uow.run('backfill', (tx) => saveComparedUntil(tx, startedAt));
    if (missed > 0) this.logger.info({ missed }, 'events found that no webhook had brought');
    return missed;
  }
}
