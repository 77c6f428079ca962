import { Module } from '@nestjs/common';
import { join } from 'node:path';
import { Config } from '#platform';
import { SigningKey } from '#transparency';
import { NotificationResolver } from './graphql/notification.resolver.js';
import { WebhookResolver } from './graphql/webhook.resolver.js';
import { ForgetSubscriber, MailClock, TellSubscriber } from './jobs/notification.jobs.js';
import { WebhookClock } from './jobs/webhook.job.js';
import { MailSender } from './mail.sender.js';
import { Notifications } from './notification.commands.js';
import { WebhookCourier } from './webhooks/webhook.courier.js';
import { WEBHOOK_KEY, WebhookKey } from './webhooks/webhook.key.js';
import { Webhooks } from './webhooks/webhooks.js';

/** What people and programs are told: in the product, by mail and by webhook. */
@Module({
  providers: [
    Notifications,
    MailSender,
    TellSubscriber,
    ForgetSubscriber,
    MailClock,
    NotificationResolver,
    {
      provide: WEBHOOK_KEY,
      inject: [Config],
      useFactory: (config: Config) => {
        let key: Promise<SigningKey> | undefined;
        return new WebhookKey(
          () =>
            (key ??= SigningKey.load(
              join(config.home, 'keys', 'webhook.key'),
              `${config.publicUrl.host}/webhooks`,
            ).catch((error: unknown) => {
              // A failure isn't kept: the next caller reads the file again.
              key = undefined;
              throw error;
            })),
        );
      },
    },
    Webhooks,
    WebhookCourier,
    WebhookClock,
    WebhookResolver,
  ],
})
export class NotificationsModule {}
