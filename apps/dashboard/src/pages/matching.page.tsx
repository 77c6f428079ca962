/** `/matching`: rounds of matching and the pools behind them. */
import { matchRoundsQuery } from '../api/matching.documents.js';
import { money, type Money } from '../format/amount.js';
import { date, relative } from '../format/moment.js';
import { page, type PageContext, type Result } from '../http/request.js';
import { More } from '../parts/more.js';
import { Empty } from '../parts/notice.js';
import { State } from '../parts/state.js';
import { failurePage } from './problem.page.js';

export interface MatchPool {
  id: string;
  title: string;
  viewerManages: boolean;
  deposited: Money;
  granted: Money;
  free: Money;
  fees: Money;
  sponsors: { displayName: string; amount: Money }[];
}
export interface MatchRoundLine {
  id: string;
  slug: string;
  title: string;
  summary: string;
  state: string;
  opensAt: string;
  closesAt: string;
  reviewEndsAt: string;
  promised: Money;
  paid: Money | null;
  viewerManages: boolean;
}

type Rounds = { nodes: MatchRoundLine[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } };

export async function matchingPage(context: PageContext): Promise<Result> {
  const after = context.url.searchParams.get('after') ?? undefined;
  const answer = await context.ask<{ matchRounds: Rounds; matchPools: { nodes: MatchPool[] } }>(matchRoundsQuery, {
    first: 20,
    after,
  });
  if (!answer.data) return failurePage(answer.problems);
  const { matchRounds, matchPools } = answer.data;
  return page({
    title: 'Matching',
    section: 'matching',
    problems: answer.problems,
    description: 'Sponsors match the gifts of many, by rules that anybody can compute again.',
    body: (
      <div class="wrap">
        <div>
          <h1>Matching</h1>
          <p class="lead">
            Sponsors put money into a pool. A round divides it among campaigns by what many people gave, to the last
            cent, by a rule that is fixed before it begins. Anybody can compute the result again.
          </p>
          {context.signedIn && (
            <p class="actions">
              <a class="button quiet" href="/matching/new">
                Open a pool or draft a round
              </a>
            </p>
          )}
        </div>
        <section class="stack" aria-labelledby="rounds-head">
          <h2 id="rounds-head">Rounds</h2>
          {matchRounds.nodes.length === 0 ? (
            <Empty title="No round yet">The first one will appear here as soon as it opens.</Empty>
          ) : (
            <ul class="rows">
              {matchRounds.nodes.map((round) => (
                <li key={round.id}>
                  <span class="rows-main">
                    <a href={`/matching/${encodeURIComponent(round.slug)}`}>{round.title}</a> <State of={round.state} />
                  </span>
                  <span class="rows-amount">{money(round.paid ?? round.promised, 'short')}</span>
                  <span class="rows-when">{whenOf(round, context.now)}</span>
                </li>
              ))}
            </ul>
          )}
          <More url={context.url} connection={{ edges: [], pageInfo: matchRounds.pageInfo }} label="More rounds" />
        </section>
        <section class="stack" aria-labelledby="pools-head">
          <h2 id="pools-head">Pools</h2>
          {matchPools.nodes.length === 0 ? (
            <Empty title="No pool yet">Whoever wants to match gifts opens one.</Empty>
          ) : (
            <div class="panels">
              {matchPools.nodes.map((pool) => (
                <PoolPanel key={pool.id} pool={pool} />
              ))}
            </div>
          )}
        </section>
      </div>
    ),
  });
}

function whenOf(round: MatchRoundLine, now: number): string {
  if (round.state === 'DRAFT') return 'not open yet';
  if (round.state !== 'OPEN') return `ran until ${date(round.closesAt)}`;
  return Date.parse(round.opensAt) > now
    ? `opens ${relative(round.opensAt, now)}`
    : `ends ${relative(round.closesAt, now)}`;
}

/** With `here` the panel stands on the pool’s own page and doesn’t link to it. */
export function PoolPanel({ pool, here }: { pool: MatchPool; here?: boolean }) {
  return (
    <section class="panel stack" aria-label={pool.title}>
      <h3>{here ? 'The pool' : <a href={`/matching/pools/${encodeURIComponent(pool.id)}`}>{pool.title}</a>}</h3>
      <p class="figure">
        <strong class="cash-ink">{money(pool.deposited, 'short')}</strong>
        <span>paid in by sponsors</span>
      </p>
      <dl class="terms">
        <div>
          <dt>Paid to campaigns</dt>
          <dd>{money(pool.granted)}</dd>
        </div>
        <div>
          <dt>Not promised to any round</dt>
          <dd>{money(pool.free)}</dd>
        </div>
        <div>
          <dt>
            Processing fees <small>borne by the platform</small>
          </dt>
          <dd>{money(pool.fees)}</dd>
        </div>
      </dl>
      {!here && (
        <p class="actions">
          <a class="button quiet" href={`/matching/pools/${encodeURIComponent(pool.id)}`}>
            Pay into it
          </a>
        </p>
      )}
      {pool.sponsors.length > 0 && (
        <>
          <p class="eyebrow">Sponsors</p>
          <ul class="rows">
            {pool.sponsors.slice(0, 12).map((sponsor) => (
              <li key={sponsor.displayName}>
                <span class="rows-main">{sponsor.displayName}</span>
                <span class="rows-amount">{money(sponsor.amount, 'short')}</span>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}
