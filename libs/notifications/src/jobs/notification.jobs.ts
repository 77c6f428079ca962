import { type Clockwork, ClockworkTask, type DomainEvent, type EventSubscriber, Subscriber, type Tx } from '#platform';
import { NOTIFICATION_RULES, type NotificationRule } from '../domain/notification.rule.js';
import { MailSender } from '../mail.sender.js';
import { forgetPerson, tell } from '../store/notification.store.js';

/** Turns events into messages for those whom they concern. */
@Subscriber()
export class TellSubscriber implements EventSubscriber {
  readonly name = 'notifications.tell';
  readonly types = [...new Set(NOTIFICATION_RULES.map((rule) => rule.type))];

  constructor(private readonly mail: MailSender) {}

  async handle(event: DomainEvent, tx: Tx): Promise<void> {
    const campaignId = textOf(event.payload['campaignId']) ?? (await campaignOfRun(tx, event));
    const pledgeId = textOf(event.payload['pledgeId']);
    const [campaign] = campaignId
      ? await tx.query<{ slug: string; title: string }>('SELECT slug, title FROM campaign WHERE id = $1', [campaignId])
      : [];
    for (const rule of NOTIFICATION_RULES.filter(({ type }) => type === event.type)) {
      const subjectId = rule.audience === 'backer' ? pledgeId : campaignId;
      const message = subjectId ? rule.write({ payload: event.payload, campaign }) : undefined;
      if (subjectId && message) await this.#tell(tx, event, rule, subjectId, message);
    }
  }

  #tell(
    tx: Tx,
    event: DomainEvent,
    rule: NotificationRule,
    subjectId: string,
    message: { title: string; body: string; link: string },
  ): Promise<void> {
    const { audience, kind } = rule;
    return tell(tx, { ...message, eventId: event.id, audience, kind, subjectId, byMail: this.mail.isOn });
  }
}

/** Deletes what was told to a person who asked to be erased. */
@Subscriber()
export class ForgetSubscriber implements EventSubscriber {
  readonly name = 'notifications.forget';
  readonly types = ['contributor.erased'];

  async handle(event: DomainEvent, tx: Tx): Promise<void> {
    const pseudonym = textOf(event.payload['pseudonym']);
    if (pseudonym) await forgetPerson(tx, pseudonym);
  }
}

@ClockworkTask()
export class MailClock implements Clockwork {
  readonly name = 'notifications.mail';
  readonly everyMs = 2_000;

  constructor(private readonly mail: MailSender) {}

  async tick(): Promise<void> {
    await this.mail.sendDue();
  }
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

async function campaignOfRun(tx: Tx, event: DomainEvent): Promise<string | undefined> {
  if (event.aggregateType !== 'run') return undefined;
  const [row] = await tx.query<{ campaign_id: string }>('SELECT campaign_id FROM run WHERE id = $1', [
    event.aggregateId,
  ]);
  return row?.campaign_id;
}
