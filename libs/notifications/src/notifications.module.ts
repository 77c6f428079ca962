import { Module } from '@nestjs/common';
import { NotificationResolver } from './graphql/notification.resolver.js';
import { ForgetSubscriber, MailClock, TellSubscriber } from './jobs/notification.jobs.js';
import { MailSender } from './mail.sender.js';
import { Notifications } from './notification.commands.js';

/** What people are told, in the product and by mail. */
@Module({
  providers: [Notifications, MailSender, TellSubscriber, ForgetSubscriber, MailClock, NotificationResolver],
  exports: [Notifications, MailSender],
})
export class NotificationsModule {}
