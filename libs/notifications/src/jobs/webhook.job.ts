import { type Clockwork, ClockworkTask } from '#platform';
import { WebhookCourier } from '../webhooks/webhook.courier.js';

@ClockworkTask()
export class WebhookClock implements Clockwork {
  readonly name = 'notifications.webhooks';
  readonly everyMs = 1_000;

  constructor(private readonly courier: WebhookCourier) {}

  async tick(): Promise<void> {
    await this.courier.deliverDue();
  }
}
