export { NotificationsModule } from './notifications.module.js';
export { Notifications } from './notification.commands.js';
export { MailSender } from './mail.sender.js';
