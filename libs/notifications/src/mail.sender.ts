import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Config, LOGGER, type Logger, UnitOfWork } from '#platform';
import { createTransport, type Transporter } from 'nodemailer';
import { mailText } from './domain/mail.rule.js';
import { REQUIRED_KINDS } from './domain/notification.rule.js';
import { type MailRow, claimMail, recordMail } from './store/mail.store.js';

const BATCH = 20;

/** Sends what waits by SMTP. Without `SMTP_URL` nothing is ever queued, and people read their messages in the product. */
@Injectable()
export class MailSender implements OnModuleDestroy {
  readonly #transport: Transporter | undefined;

  constructor(
    private readonly uow: UnitOfWork,
    private readonly config: Config,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    const { mail } = config;
    this.#transport = mail
      ? createTransport(mail.smtpUrl, { from: mail.from, pool: true, maxConnections: 2 } as object)
      : undefined;
  }

  get isOn(): boolean {
    return this.#transport !== undefined;
  }

  /** Sends all that is due, each mail once in this call. Answers how many were handed over. */
  async sendDue(): Promise<number> {
    if (!this.#transport) return 0;
    for (let sent = 0; ;) {
      const claimed = await this.uow.run('notifications.mail-claim', (tx) => claimMail(tx, BATCH));
      const mails = Array.isArray(claimed) ? claimed : [];
      const results = await Promise.all(mails.map((mail) => this.#send(mail)));
      sent += results.filter((state) => state === 'sent').length;
      if (mails.length < BATCH) return sent;
    }
  }

  async #send(mail: MailRow): Promise<string> {
    const result = mail.email === null ? { error: 'no address any more', isFinal: true } : await this.#hand(mail);
    const state = await this.uow.run('notifications.mail-record', (tx) => recordMail(tx, mail, result));
    if (result.error !== undefined) {
      this.logger.warn({ messageId: mail.message_id, attempt: mail.attempts, state }, 'mail was not handed over');
    }
    return typeof state === 'string' ? state : 'waiting';
  }

  async #hand(mail: MailRow): Promise<{ error?: string; isFinal?: boolean }> {
    const isRequired = REQUIRED_KINDS.includes(mail.kind);
    const origin = this.config.publicUrl.href;
    try {
      await this.#transport?.sendMail({
        to: mail.email ?? '',
        ...mailText(mail, origin, isRequired),
        // The same for every try, so that a receiver can tell a repetition from a second message.
        messageId: `<${mail.message_id}.${mail.contributor_id.slice(-12)}@${this.config.publicUrl.hostname}>`,
        ...(isRequired ? {} : { headers: { 'List-Unsubscribe': `<${new URL('/account/inbox', origin).href}>` } }),
      });
      return {};
    } catch (error) {
      const { responseCode, message } = error as { responseCode?: number; message?: string };
      // RFC 5321 section 4.2.1: 5yz is a permanent answer. The text may hold the address, so it is not kept.
      return { error: String(responseCode ?? message ?? 'unknown'), isFinal: (responseCode ?? 0) >= 500 };
    }
  }

  onModuleDestroy(): void {
    this.#transport?.close();
  }
}
