/** What a gift would move in an open round of matching: an estimate, with its age. Nothing where no round is open. */
import { matchEstimatesQuery } from '../api/matching.documents.js';
import { money, type Money } from '../format/amount.js';
import { relative } from '../format/moment.js';
import { parseMoney } from '../format/parse.js';
import type { PageContext } from '../http/request.js';

export interface MatchEstimate {
  /** If the round ended now. */
  match: Money;
  /** If gifts to all campaigns went on as they came so far. */
  atPace: Money;
}
interface First extends MatchEstimate {
  stands: Money;
  asOf: string;
  round: { slug: string; title: string };
}
export interface MatchEstimates {
  small: First | null;
  middle: MatchEstimate | null;
  large: MatchEstimate | null;
  own: MatchEstimate | null;
}
/** What was asked for in the address, for those without scripts: `?amount=12.50`. */
export interface AskedAmount {
  text: string;
  amountMinor: string | null;
}

const AMOUNTS = { small: '1000', middle: '2500', large: '10000' } as const;

export function askedAmount(context: PageContext, currency: string): AskedAmount | null {
  const text = (context.url.searchParams.get('amount') ?? '').trim().slice(0, 40);
  return text ? { text, amountMinor: parseMoney(text, currency)?.toString() ?? null } : null;
}

/** Asks what gifts of 10, 25 and 100 would move, and of the amount asked for; null where the campaign is in no open round. */
export async function askEstimates(
  context: PageContext,
  campaignId: string,
  asked: AskedAmount | null,
): Promise<MatchEstimates | null> {
  const variables = { id: campaignId, ...AMOUNTS, own: asked?.amountMinor ?? AMOUNTS.small };
  const answer = await context.ask<MatchEstimates>(matchEstimatesQuery, variables);
  return answer.data?.small ? answer.data : null;
}

/** "Your $12.50 moves $48.10 if the round ended now, …": the range that the figure may come to lie in. */
export function EstimateText({ estimate, gift }: { estimate: MatchEstimate; gift: Money }) {
  const { match, atPace } = estimate;
  const isSame = match.amountMinor === atPace.amountMinor;
  return (
    <>
      Your {money(gift)} moves{' '}
      <strong class="cash-ink">
        {isSame ? money(match) : `${money(lesser(match, atPace))} to ${money(greater(match, atPace))}`}
      </strong>{' '}
      of the match.{' '}
      {isSame
        ? 'The same whether the round ended now or gifts go on as they came so far.'
        : `${money(match)} if the round ended now, ${money(atPace)} if gifts to all go on as they came so far.`}
    </>
  );
}

const isLess = (a: Money, b: Money) => BigInt(a.amountMinor) < BigInt(b.amountMinor);
const lesser = (a: Money, b: Money) => (isLess(a, b) ? a : b);
const greater = (a: Money, b: Money) => (isLess(a, b) ? b : a);

export function MatchEstimateNote(props: {
  of: MatchEstimates | null;
  asked: AskedAmount | null;
  path: string;
  now: number;
}) {
  const { of, asked } = props;
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
      <form method="get" action={props.path} class="match-ask">
        <label for="match-amount">What another amount moves ({currency})</label>
        <div class="match-ask-row">
          <input id="match-amount" name="amount" inputMode="decimal" autoComplete="off" value={asked?.text ?? ''} />
          <button class="button quiet">See</button>
        </div>
      </form>
      {asked && (
        <p class="fine" role="status">
          {asked.amountMinor && of.own ? (
            <EstimateText estimate={of.own} gift={{ amountMinor: asked.amountMinor, currency }} />
          ) : (
            'Give an amount such as 12.50.'
          )}
        </p>
      )}
      <p class="fine">
        Estimates as of {relative(asOf, props.now)}, no promise: gifts of others change them until the round ends, and
        the review after it may leave gifts out.
      </p>
    </section>
  );
}
