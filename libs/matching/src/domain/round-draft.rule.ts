import { MAX_MINOR_UNITS, type Refused } from '#kernel';
import { refuseMatch } from '../matching.refusal.js';

interface Draft {
  readonly title: string;
  readonly summary: string;
  readonly poolMinor: bigint;
  readonly opensAt: Date;
  readonly closesAt: Date;
  readonly reviewSeconds: bigint;
}

const MAX_REVIEW_SECONDS = 90n * 86_400n;
const MAX_WINDOW_MS = 366 * 86_400_000;

/** Why a draft of a round can't be taken; undefined when it can. */
export function roundWindow(draft: Draft, now: Date): Refused | undefined {
  const title = draft.title.trim().length;
  if (title < 3 || title > 120) return refuseMatch('MATCHING_TEXT_INVALID', ['input', 'title']);
  if (draft.summary.length > 2000) return refuseMatch('MATCHING_TEXT_INVALID', ['input', 'summary']);
  if (draft.poolMinor < 1n || draft.poolMinor > MAX_MINOR_UNITS)
    return refuseMatch('MATCHING_TERMS_INVALID', ['input', 'poolMinor'], `Got ${draft.poolMinor}.`);
  if (draft.reviewSeconds < 0n || draft.reviewSeconds > MAX_REVIEW_SECONDS)
    return refuseMatch('MATCHING_TERMS_INVALID', ['input', 'reviewSeconds'], 'A review lasts up to 90 days.');
  const lastsMs = draft.closesAt.getTime() - draft.opensAt.getTime();
  if (!(lastsMs > 0) || lastsMs > MAX_WINDOW_MS || draft.closesAt <= now)
    return refuseMatch(
      'MATCHING_TERMS_INVALID',
      ['input', 'closesAt'],
      'It lasts up to a year and ends in the future.',
    );
  return undefined;
}

/** The round's name in addresses: its title, and the end of its id so that no two are alike. */
export function roundSlug(title: string, id: string): string {
  const words = title
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 60)
    .replace(/-+$/, '');
  return `${words || 'round'}-${id.slice(-6)}`;
}
