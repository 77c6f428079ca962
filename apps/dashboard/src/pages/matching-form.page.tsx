/** `/matching/new`: a pool, and a round that divides its money. */
import { matchFormQuery, matchPoolCreate, matchRoundCreate } from '../api/matching.documents.js';
import { mutate, refusal } from '../api/mutate.js';
import { nodesOf, type Connection, type UserError } from '../api/shapes.js';
import { money, type Money } from '../format/amount.js';
import { parseDollars } from '../format/parse.js';
import { momentValue, parseMoment } from '../format/typed.js';
import { page, redirect, type PageContext, type Result } from '../http/request.js';
import { Field, UserErrors } from '../parts/form.js';
import { ruleNames } from '../parts/match-rule.js';
import type { MatchPool } from './matching.page.js';
import { failurePage } from './problem.page.js';

interface Choice {
  id: string;
  slug: string;
  title: string;
  cashGoal: Money | null;
}
interface Answer {
  matchPools: { nodes: MatchPool[] };
  campaigns: Connection<Choice>;
}

/** Amounts are typed with two decimals, so currencies without them are opened by program. */
const CURRENCIES = ['USD', 'EUR', 'GBP', 'CHF', 'CAD'];
const FIELDS = ['title', 'summary', 'poolId', 'poolMinor', 'opensAt', 'closesAt', 'reviewSeconds', 'currency'];

export async function matchingFormPage(context: PageContext): Promise<Result> {
  if (!(await context.viewer)) return redirect('/sign-in?return=/matching/new');
  const made = context.method === 'POST' ? await make(context) : null;
  if (made?.to) return redirect(made.to);
  const answer = await context.ask<Answer>(matchFormQuery);
  if (!answer.data) return failurePage(answer.problems);
  const pools = answer.data.matchPools.nodes.filter((pool) => pool.viewerManages);
  const campaigns = nodesOf(answer.data.campaigns).filter((campaign) => campaign.cashGoal);
  const errors = made?.errors ?? [];
  const typed = { form: context.form, errors, now: context.now };
  return page({
    title: 'Match gifts',
    section: 'matching',
    status: errors.length > 0 ? 422 : 200,
    problems: answer.problems,
    body: (
      <div class="wrap narrow">
        <div>
          <p class="crumbs">
            <a href="/matching">Matching</a>
          </p>
          <h1>Match gifts</h1>
        </div>
        <PoolForm {...typed} />
        {pools.length > 0 ? (
          <RoundForm {...typed} pools={pools} campaigns={campaigns} />
        ) : (
          <p class="muted">Open a pool first; a round divides what its sponsors paid in.</p>
        )}
      </div>
    ),
  });
}

interface Typed {
  form: URLSearchParams;
  errors: UserError[];
  now: number;
}

function PoolForm({ form, errors }: Typed) {
  const isMine = form.get('do') === 'pool';
  const mine = isMine ? errors : [];
  return (
    <form method="post" action="/matching/new" class="form panel">
      <h2>Open a pool</h2>
      <UserErrors errors={mine} fields={FIELDS} />
      <input type="hidden" name="do" value="pool" />
      <Field label="Name of the pool" id="pool-title" errors={mine}>
        <input name="title" autoComplete="off" required value={isMine ? (form.get('title') ?? '') : ''} />
      </Field>
      <Field label="Currency" id="pool-currency" errors={mine}>
        <select name="currency" value={form.get('currency') ?? 'USD'}>
          {CURRENCIES.map((code) => (
            <option key={code} value={code}>
              {code}
            </option>
          ))}
        </select>
      </Field>
      <p class="actions">
        <button class="button">Open the pool</button>
      </p>
    </form>
  );
}

function RoundForm({ form, errors, now, pools, campaigns }: Typed & { pools: MatchPool[]; campaigns: Choice[] }) {
  const isMine = form.get('do') === 'round';
  const mine = isMine ? errors : [];
  const was = (name: string, otherwise = '') => (isMine ? (form.get(name) ?? otherwise) : otherwise);
  const chosen = isMine ? form.getAll('campaign') : [];
  return (
    <form method="post" action="/matching/new" class="form panel">
      <h2>Draft a round</h2>
      <p class="muted">You look at the draft before you open it.</p>
      <UserErrors errors={mine} fields={FIELDS} />
      <input type="hidden" name="do" value="round" />
      <Field label="Pool" id="round-pool" errors={mine}>
        <select name="poolId" value={was('poolId')}>
          {pools.map((pool) => (
            <option key={pool.id} value={pool.id}>
              {`${pool.title} (${money(pool.free)} free)`}
            </option>
          ))}
        </select>
      </Field>
      <Field label="Name of the round" id="round-title" errors={mine}>
        <input name="title" autoComplete="off" required value={was('title')} />
      </Field>
      <Field label="What it is for" id="round-summary" errors={mine}>
        <textarea name="summary" rows={3} value={was('summary')} />
      </Field>
      <Field label="Amount to divide" id="round-amount" errors={mine}>
        <input name="poolMinor" inputMode="decimal" autoComplete="off" required value={was('poolMinor')} />
      </Field>
      <Field label="Rule" id="round-rule" hint="The page of the round explains it in words.">
        <select name="rule" value={was('rule', 'quadratic')}>
          {Object.entries(ruleNames).map(([kind, label]) => (
            <option key={kind} value={kind}>
              {label}
            </option>
          ))}
        </select>
      </Field>
      <Field label="If the pool is larger than the matches" id="round-unsaturated">
        <select name="unsaturated" value={was('unsaturated', 'raw')}>
          <option value="raw">What is left stays in the pool</option>
          <option value="scale_up">Matches grow until it is paid out</option>
        </select>
      </Field>
      <Field label="The most for one campaign" id="round-cap" hint="Leave empty for no cap.">
        <input name="cap" inputMode="decimal" autoComplete="off" value={was('cap')} />
      </Field>
      <Field label="A pair counts half at" id="round-bound" hint="For the pairwise-bounded rule alone.">
        <input name="bound" inputMode="decimal" autoComplete="off" value={was('bound', '25')} />
      </Field>
      <Field label="Gifts count from (UTC)" id="round-opens" errors={mine}>
        <input
          type="datetime-local"
          name="opensAt"
          required
          value={was('opensAt', momentValue(new Date(now).toISOString()))}
        />
      </Field>
      <Field label="Cut-off (UTC)" id="round-closes" errors={mine}>
        <input type="datetime-local" name="closesAt" required value={was('closesAt')} />
      </Field>
      <Field label="Days of review" id="round-review" errors={mine}>
        <input name="reviewSeconds" inputMode="numeric" autoComplete="off" required value={was('reviewSeconds', '7')} />
      </Field>
      <fieldset>
        <legend>Campaigns</legend>
        {campaigns.map((campaign) => (
          <label key={campaign.id} class="check">
            <input type="checkbox" name="campaign" value={campaign.id} checked={chosen.includes(campaign.id)} />
            <span>{campaign.title}</span>
          </label>
        ))}
        {campaigns.length === 0 && <p class="muted">No campaign raises money now.</p>}
      </fieldset>
      <p class="actions">
        <button class="button">Save the draft</button>
      </p>
    </form>
  );
}

interface Made {
  to?: string;
  errors: UserError[];
}

async function make(context: PageContext): Promise<Made> {
  const { form } = context;
  const text = (name: string) => (form.get(name) ?? '').trim();
  if (form.get('do') === 'pool') {
    const input = { title: text('title'), currency: text('currency') };
    const { payload, errors } = await mutate<{ pool: { id: string } | null }>(context, matchPoolCreate, input);
    return errors.length > 0 || !payload?.pool
      ? { errors }
      : { errors, to: `/matching/pools/${encodeURIComponent(payload.pool.id)}?done=pool` };
  }
  const poolMinor = parseDollars(text('poolMinor'));
  const opensAt = parseMoment(text('opensAt'));
  const closesAt = parseMoment(text('closesAt'));
  const days = /^\d{1,2}$/.test(text('reviewSeconds')) ? BigInt(text('reviewSeconds')) : null;
  const cap = text('cap') === '' ? undefined : parseDollars(text('cap'));
  const bound = parseDollars(text('bound'));
  if (poolMinor === null) return { errors: [refusal('Give an amount such as 25,000 or 12.50.', 'poolMinor')] };
  if (opensAt === null) return { errors: [refusal('Give a day and a time.', 'opensAt')] };
  if (closesAt === null) return { errors: [refusal('Give a day and a time.', 'closesAt')] };
  if (days === null) return { errors: [refusal('Give a number of days up to 90.', 'reviewSeconds')] };
  if (cap === null || bound === null) return { errors: [refusal('Give caps and bounds as amounts such as 250.')] };
  const kind = text('rule');
  const { payload, errors } = await mutate<{ round: { slug: string } | null }>(context, matchRoundCreate, {
    poolId: text('poolId'),
    title: text('title'),
    summary: text('summary'),
    poolMinor: String(poolMinor),
    terms: {
      rule: kind === 'pairwise' ? { kind, bound: String(bound) } : { kind },
      unsaturated: text('unsaturated'),
      ...(cap === undefined ? {} : { capPerProject: String(cap) }),
    },
    opensAt,
    closesAt,
    reviewSeconds: String(days * 86_400n),
    campaigns: form.getAll('campaign').map((campaignId) => ({ campaignId })),
  });
  return errors.length > 0 || !payload?.round
    ? { errors }
    : { errors, to: `/matching/${encodeURIComponent(payload.round.slug)}` };
}
