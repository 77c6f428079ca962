/** What a gift would move in an open round of matching: an estimate, with its age. Nothing where no round is open. */
import { matchEstimatesQuery } from '../api/matching.documents.js';
import { money, type Money } from '../format/amount.js';
import { relative } from '../format/moment.js';
import type { PageContext } from '../http/request.js';

interface Estimate {
  match: Money;
}
interface First extends Estimate {
  stands: Money;
  asOf: string;
  round: { slug: string; title: string };
}
export interface MatchEstimates {
  small: First | null;
  middle: Estimate | null;
  large: Estimate | null;
}

const AMOUNTS = { small: '1000', middle: '2500', large: '10000' } as const;

/** Asks what gifts of 10, 25 and 100 would move; null where the campaign is in no open round. */
export async function askEstimates(context: PageContext, campaignId: string): Promise<MatchEstimates | null> {
  const answer = await context.ask<MatchEstimates>(matchEstimatesQuery, { id: campaignId, ...AMOUNTS });
  return answer.data?.small ? answer.data : null;
}

export function MatchEstimateNote({ of, now }: { of: MatchEstimates | null; now: number }) {
  if (!of?.small) return null;
  const { round, stands, asOf } = of.small;
  const { currency } = stands;
  const rows = (['small', 'middle', 'large'] as const).flatMap((size) => {
    const found = of[size];
    return found ? [{ gift: { amountMinor: AMOUNTS[size], currency }, match: found.match }] : [];
  });
  return (
    <section class="panel stack" aria-label="Matching">
      <p class="eyebrow">
        <a href={`/matching/${encodeURIComponent(round.slug)}`}>{round.title}</a>
      </p>
      {rows[0] && (
        <p class="figure">
          <span>
            Your {money(rows[0].gift, 'short')} moves <strong class="cash-ink">{money(rows[0].match)}</strong>
          </span>
        </p>
      )}
      <dl class="terms">
        {rows.slice(1).map(({ gift, match }) => (
          <div key={gift.amountMinor}>
            <dt>{money(gift, 'short')} moves</dt>
            <dd>{money(match)}</dd>
          </div>
        ))}
        <div>
          <dt>Match so far</dt>
          <dd>{money(stands)}</dd>
        </div>
      </dl>
      <p class="fine">An estimate as of {relative(asOf, now)}: gifts of others will change it until the round ends.</p>
    </section>
  );
}
