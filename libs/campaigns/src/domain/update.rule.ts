import { type Outcome } from '#kernel';
import { refuseCampaign } from '../campaign.refusal.js';

/*
 * What organisers tell their backers. Plain text: paragraphs are set apart by an empty line, addresses are shown as they
 * are written, and nothing in a text is ever read as markup.
 */

export const AUDIENCES = ['public', 'backers'] as const;
export type Audience = (typeof AUDIENCES)[number];

export interface UpdateText {
  readonly title: string;
  readonly body: string;
}

const BODY_MAX = 20_000;

/** The text as it is kept: trimmed, line ends unified, at most one empty line in a row. */
export function updateText(draft: UpdateText): Outcome<UpdateText> {
  const title = draft.title.trim();
  const body = draft.body
    .replaceAll('\r\n', '\n')
    .replaceAll(/[^\S\n]+\n/g, '\n')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim();
  if (title.length < 3 || title.length > 120 || /\p{Cc}/u.test(title))
    return refuseCampaign('CAMPAIGN_UPDATE_INVALID', ['input', 'title'], `Got ${title.length} characters.`);
  if (body.length === 0 || body.length > BODY_MAX)
    return refuseCampaign('CAMPAIGN_UPDATE_INVALID', ['input', 'body'], `Got ${body.length} characters.`);
  if (/[^\P{Cc}\n\t]/u.test(body))
    return refuseCampaign('CAMPAIGN_UPDATE_INVALID', ['input', 'body'], 'It holds a control character.');
  return { title, body };
}

export const correctionReason = (reason: string): Outcome<string> => {
  const text = reason.trim();
  return text.length >= 3 && text.length <= 300 && !/\p{Cc}/u.test(text)
    ? text
    : refuseCampaign('CAMPAIGN_UPDATE_INVALID', ['input', 'reason'], `Got ${text.length} characters.`);
};

/** A text as its paragraphs. */
export const paragraphs = (body: string): string[] => body.split(/\n{2,}/).filter((part) => part.trim() !== '');
