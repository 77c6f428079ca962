/** `/matching/:slug`: one round, its rule in words, what campaigns get, what does not count and why. */
import {
  matchAppeal,
  matchAppealDecide,
  matchExclude,
  matchRoundCancel,
  matchRoundOpen,
  matchRoundQuery,
} from '../api/matching.documents.js';
import { mutate, refusal } from '../api/mutate.js';
import type { UserError } from '../api/shapes.js';
import { integer, money, type Money } from '../format/amount.js';
import { date, dateTime, plural, relative } from '../format/moment.js';
import { page, redirect, type PageContext, type Result } from '../http/request.js';
import { Notice } from '../parts/notice.js';
import { Secret, UserErrors } from '../parts/form.js';
import { MatchRuleFacts, type MatchTerms, ruleNames } from '../parts/match-rule.js';
import { State } from '../parts/state.js';
import { type Exclusion, ExcludeForm, Exclusions, RoundSteps } from '../parts/match-review.js';
import { type MatchPool, type MatchRoundLine, PoolPanel } from './matching.page.js';
import { whyNothing } from './problem.page.js';

interface RoundCampaign {
  campaign: { id: string; slug: string; title: string; state: string } | null;
  giftCount: number;
  gifts: Money;
  cap: Money | null;
  estimate: Money | null;
  match: Money | null;
  paid: Money | null;
}
interface ResultVersion {
  version: number;
  roundSha256: string;
  resultSha256: string;
  resultUrl: string;
  roundUrl: string;
  computedAt: string;
}
interface RoundDetail extends MatchRoundLine {
  terms: MatchTerms;
  cancelReason: string | null;
  pool: MatchPool | null;
  campaigns: RoundCampaign[];
  exclusions: Exclusion[];
  results: ResultVersion[];
}

const done: Record<string, string> = {
  open: 'The round is open.',
  cancel: 'The round is cancelled; what it promised is back in its pool.',
  exclude: 'It does not count any more. Those concerned can appeal.',
  appeal: 'Your appeal is on record. Somebody who did not exclude you decides.',
  lift: 'The exclusion is lifted.',
  uphold: 'The exclusion is upheld.',
};

export async function matchingRoundPage(context: PageContext, params: Record<string, string>): Promise<Result> {
  const path = `/matching/${encodeURIComponent(params.slug ?? '')}`;
  if (context.method === 'POST' && !(await context.viewer))
    return redirect(`/sign-in?return=${encodeURIComponent(path)}`);
  let errors: UserError[] = [];
  let answer = await context.ask<{ matchRound: RoundDetail | null }>(matchRoundQuery, { slug: params.slug });
  if (context.method === 'POST' && answer.data?.matchRound) {
    errors = await act(context, answer.data.matchRound.id);
    if (errors.length === 0) return redirect(`${path}?done=${encodeURIComponent(context.form.get('do') ?? '')}`);
    answer = await context.ask<{ matchRound: RoundDetail | null }>(matchRoundQuery, { slug: params.slug });
  }
  const round = answer.data?.matchRound;
  if (!round) return whyNothing(answer, 'round');
  const said = done[context.url.searchParams.get('done') ?? ''];
  return page({
    title: round.title,
    description: round.summary,
    section: 'matching',
    status: errors.length > 0 ? 422 : 200,
    problems: answer.problems,
    body: (
      <div class="wrap">
        <div class="lead-row">
          <div class="lead-text">
            <p class="crumbs">
              <a href="/matching">Matching</a>
            </p>
            <h1>{round.title}</h1>
            <p class="lead">{round.summary}</p>
          </div>
          <aside class="call" aria-label="Where it stands">
            <p class="call-state">
              <State of={round.state} />
              <span>{standing(round, context.now)}</span>
            </p>
            <p class="figure">
              <strong class="cash-ink">{money(round.promised, 'short')}</strong>
              <span>to divide</span>
            </p>
            {round.paid && <p class="call-note">{money(round.paid)} was paid to campaigns.</p>}
            {round.cancelReason && <p class="call-note">Cancelled: {round.cancelReason}</p>}
          </aside>
        </div>
        {said && errors.length === 0 && <Notice tone="good" title={said} live />}
        <UserErrors errors={errors} />
        <Campaigns round={round} />
        <div class="panels">
          <section class="panel stack" aria-labelledby="rule-head">
            <h2 id="rule-head">{ruleNames[round.terms.rule.kind] ?? 'The rule'} match</h2>
            <MatchRuleFacts terms={round.terms} currency={round.promised.currency} />
            <p class="fine">
              Gifts count that were collected from {dateTime(round.opensAt)} until {dateTime(round.closesAt)}. From then
              on nothing of the round can be changed. The result is in review until {dateTime(round.reviewEndsAt)}.
            </p>
          </section>
          {round.pool && <PoolPanel pool={round.pool} />}
        </div>
        {round.results.length > 0 && <Results results={round.results} slug={round.slug} />}
        <Exclusions exclusions={round.exclusions} path={path} form={context.form} errors={errors} />
        {round.viewerManages && (
          <div class="panels">
            {(round.state === 'OPEN' || round.state === 'CLOSED' || round.state === 'COMPUTED') && (
              <ExcludeForm path={path} form={context.form} errors={errors} />
            )}
            <RoundSteps state={round.state} path={path} form={context.form} errors={errors} />
          </div>
        )}
      </div>
    ),
  });
}

function standing(round: RoundDetail, now: number): string {
  if (round.state === 'OPEN')
    return Date.parse(round.opensAt) > now
      ? `opens ${relative(round.opensAt, now)}`
      : `ends ${relative(round.closesAt, now)}`;
  if (round.state === 'COMPUTED') return `in review until ${date(round.reviewEndsAt)}`;
  return round.state === 'DRAFT' ? 'not open yet' : `ran until ${date(round.closesAt)}`;
}

function Campaigns({ round }: { round: RoundDetail }) {
  const isEstimate = round.state === 'OPEN';
  return (
    <section class="stack" aria-labelledby="campaigns-head">
      <h2 id="campaigns-head">
        {isEstimate ? 'Campaigns, and their match if it ended now' : 'Campaigns and their match'}
      </h2>
      {round.campaigns.length === 0 ? (
        <p class="muted">No campaign is in this round yet.</p>
      ) : (
        <ul class="rows">
          {round.campaigns.map(({ campaign, giftCount, gifts, estimate, match, paid, cap }) => {
            const shown = paid ?? match ?? estimate;
            return (
              <li key={campaign?.id ?? gifts.amountMinor}>
                <span class="rows-main">
                  {campaign ? (
                    <a href={`/campaigns/${encodeURIComponent(campaign.slug)}`}>{campaign.title}</a>
                  ) : (
                    'A campaign'
                  )}
                </span>
                <span class="rows-amount cash-ink">
                  {shown ? money(shown) : '–'}
                  {isEstimate && shown && <small class="muted"> estimate</small>}
                </span>
                <span class="rows-when">
                  {plural(giftCount, 'gift')}, {money(gifts)}
                  {cap && `, at most ${money(cap, 'short')}`}
                </span>
              </li>
            );
          })}
        </ul>
      )}
      {isEstimate && (
        <p class="fine">Estimates are up to 15 seconds old and change with every gift until the round ends.</p>
      )}
    </section>
  );
}

function Results({ results, slug }: { results: ResultVersion[]; slug: string }) {
  const [newest] = results;
  if (!newest) return null;
  return (
    <section class="stack" aria-labelledby="result-head">
      <h2 id="result-head">The result, and how to check it</h2>
      <p class="actions">
        <a class="button quiet" href={`/matching/${encodeURIComponent(slug)}/result.json`}>
          Download the signed result
        </a>
        <a class="button quiet" href={`/matching/${encodeURIComponent(slug)}/round.json`}>
          Download the round
        </a>
      </p>
      <p>
        The round holds every gift that counts, under names that tell nobody who gave. Compute it again on your own
        machine:
      </p>
      <Secret id="verify-command" text="commonweights match verify result.json round.json" />
      <ul class="rows">
        {results.map((result) => (
          <li key={result.version}>
            <span class="rows-main">
              <a href={result.resultUrl}>Version {integer(result.version)}</a>
            </span>
            <span class="rows-when">
              {dateTime(result.computedAt)} · SHA-256 <code class="hash">{result.resultSha256}</code>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

async function act(context: PageContext, roundId: string): Promise<UserError[]> {
  const { form } = context;
  const text = (name: string) => (form.get(name) ?? '').trim();
  const exclusionId = text('id');
  switch (text('do')) {
    case 'open':
      return (await mutate(context, matchRoundOpen, { roundId })).errors;
    case 'cancel':
      return (await mutate(context, matchRoundCancel, { roundId, reason: text('reason') })).errors;
    case 'exclude':
      return (
        await mutate(context, matchExclude, {
          roundId,
          kind: text('kind'),
          subject: text('subject'),
          reason: text('reason'),
        })
      ).errors;
    case 'appeal':
      return (await mutate(context, matchAppeal, { exclusionId, statement: text('reason') })).errors;
    case 'lift':
    case 'uphold': {
      const lift = text('do') === 'lift';
      return (await mutate(context, matchAppealDecide, { exclusionId, lift, decision: text('reason') })).errors;
    }
    default:
      return [refusal('This page knows no such step.')];
  }
}
