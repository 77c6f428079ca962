import type { Message } from './notification.rule.js';

/** How often a mail is tried; what is still unsent then has failed for good. */
export const MAX_ATTEMPTS = 6;
/** A mail whose sender died is taken up again after this long. It may then arrive twice, never more than {@link MAX_ATTEMPTS} times. */
export const ABANDONED_MS = 5 * 60_000;

/** Waiting time after the n-th failed attempt, n from 1: one minute, then four times as long each time. */
export const backoffMs = (attempt: number): number => 60_000 * 4 ** (attempt - 1);

export interface MailText {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

const escape = (text: string): string =>
  text.replace(/[&<>"]/g, (char) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[char] ?? char);

/** A message as a mail: plain text, and the same as simple HTML. `origin` is where the product is reached. */
export function mailText(message: Message, origin: string, isRequired: boolean): MailText {
  const link = new URL(message.link, origin).href;
  const choose = new URL('/account/inbox', origin).href;
  const closing = isRequired
    ? 'You get this mail because it concerns your money or a duty of yours.'
    : `You can choose which mail you get: ${choose}`;
  return {
    // A header is one line, whatever a title holds.
    subject: message.title.replace(/\s+/g, ' '),
    text: `${message.title}\n\n${message.body}\n\n${link}\n\n-- \nCommonweights\n${closing}\n`,
    html: [
      '<!doctype html><html lang="en"><meta charset="utf-8"><body style="font:16px/1.5 system-ui,sans-serif;max-width:36em;margin:2em auto;padding:0 1em">',
      `<h1 style="font-size:1.25em">${escape(message.title)}</h1><p>${escape(message.body)}</p>`,
      `<p><a href="${escape(link)}">${escape(link)}</a></p>`,
      `<p style="color:#5b6b63;font-size:.85em">Commonweights. ${escape(closing)}</p></body></html>`,
    ].join('\n'),
  };
}
