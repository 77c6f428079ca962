/** `/matching/pools/:id`: a pool, who sponsors it, and for a sponsor what he paid and how to pay. */
import { matchDepositWithdraw, matchPoolGiveBack, matchPoolQuery } from '../api/matching.documents.js';
import { mutate, refusal } from '../api/mutate.js';
import type { UserError } from '../api/shapes.js';
import { money, type Money } from '../format/amount.js';
import { date, dateTime } from '../format/moment.js';
import { page, redirect, type PageContext, type Result } from '../http/request.js';
import { PoolPayForm } from '../islands/pool-pay.js';
import { Field, UserErrors } from '../parts/form.js';
import { Island } from '../parts/island.js';
import { Notice } from '../parts/notice.js';
import { State } from '../parts/state.js';
import { type TransferAccount, TransferLines } from '../parts/transfer-account.js';
import { type MatchPool, PoolPanel } from './matching.page.js';
import { whyNothing } from './problem.page.js';

interface Deposit {
  id: string;
  amount: Money;
  refunded: Money;
  rail: string;
  state: string;
  anonymous: boolean;
  createdAt: string;
  collectedAt: string | null;
  transfer: TransferAccount | null;
}
interface PoolDetail extends MatchPool {
  refunded: Money;
  createdAt: string;
  viewerDeposits: Deposit[];
}

const rails: Record<string, string> = {
  CARD: 'card',
  US_BANK_ACCOUNT: 'US bank debit',
  SEPA_DEBIT: 'SEPA debit',
  BANK_TRANSFER: 'bank transfer',
};
const done: Record<string, string> = {
  pool: 'The pool is open. Sponsors can pay in here.',
  withdraw: 'The transfer is not waited for any more. What comes all the same stays yours.',
  back: 'What no round was promised is on its way back to the sponsors.',
};

export async function matchingPoolPage(context: PageContext, params: Record<string, string>): Promise<Result> {
  const path = `/matching/pools/${encodeURIComponent(params.id ?? '')}`;
  const viewer = await context.viewer;
  if (context.method === 'POST' && !viewer) return redirect(`/sign-in?return=${encodeURIComponent(path)}`);
  const errors = context.method === 'POST' ? await act(context, params.id ?? '') : [];
  if (context.method === 'POST' && errors.length === 0)
    return redirect(`${path}?done=${encodeURIComponent(context.form.get('do') ?? '')}`);
  const answer = await context.ask<{ matchPool: PoolDetail | null }>(matchPoolQuery, { id: params.id });
  const pool = answer.data?.matchPool;
  if (!pool) return whyNothing(answer, 'pool');
  const query = context.url.searchParams;
  const said = done[query.get('done') ?? ''];
  const shown = pool.viewerDeposits.find(({ id }) => id === query.get('deposit'));
  const data = { poolId: pool.id, poolPath: path, currency: pool.free.currency, returned: query.get('returned') };
  return page({
    title: pool.title,
    section: 'matching',
    description: `Sponsors pay into ${pool.title}; rounds divide it among campaigns by what many people gave.`,
    status: errors.length > 0 ? 422 : 200,
    islands: viewer ? ['pool-pay'] : [],
    problems: answer.problems,
    body: (
      <div class="wrap">
        <div>
          <p class="crumbs">
            <a href="/matching">Matching</a>
          </p>
          <h1>{pool.title}</h1>
          <p class="lead">
            Open since {date(pool.createdAt)}. All of a payment goes into the pool; a round divides what it was promised
            among campaigns, and what no round was promised can go back to the sponsors.
          </p>
        </div>
        {said && errors.length === 0 && <Notice tone="good" title={said} live />}
        <UserErrors errors={errors} fields={['reason']} />
        {shown?.collectedAt && <Receipt deposit={shown} pool={pool} />}
        <div class="pledge">
          <div class="pledge-main stack">
            {viewer ? (
              <Island name="pool-pay" data={data}>
                <PoolPayForm {...data} />
              </Island>
            ) : (
              <div class="panel done">
                <h2>Sign in to sponsor</h2>
                <p class="muted">A payment belongs to somebody, so that it can be given back.</p>
                <a class="button" href={`/sign-in?return=${encodeURIComponent(path)}`}>
                  Sign in
                </a>
              </div>
            )}
            {pool.viewerDeposits.length > 0 && <Deposits deposits={pool.viewerDeposits} path={path} />}
          </div>
          <aside class="pledge-side" aria-label="How the pool stands">
            <PoolPanel pool={pool} here />
            {pool.viewerManages && <GiveBack path={path} form={context.form} errors={errors} free={pool.free} />}
          </aside>
        </div>
      </div>
    ),
  });
}

function Receipt({ deposit, pool }: { deposit: Deposit; pool: PoolDetail }) {
  const givenBack = deposit.refunded.amountMinor !== '0';
  return (
    <section class="panel stack" aria-labelledby="receipt-head">
      <h2 id="receipt-head">Receipt</h2>
      <p class="figure">
        <strong class="cash-ink">{money(deposit.amount)}</strong>
        <span>paid into {pool.title}</span>
      </p>
      <dl class="facts">
        <div>
          <dt>Came in</dt>
          <dd>{dateTime(deposit.collectedAt ?? deposit.createdAt)}</dd>
        </div>
        <div>
          <dt>By</dt>
          <dd>{rails[deposit.rail] ?? deposit.rail}</dd>
        </div>
        <div>
          <dt>Shown as</dt>
          <dd>{deposit.anonymous ? 'Anonymous' : 'your name'}</dd>
        </div>
        {givenBack && (
          <div>
            <dt>Given back</dt>
            <dd>{money(deposit.refunded)}</dd>
          </div>
        )}
        <div>
          <dt>Number</dt>
          <dd>
            <code class="hash">{deposit.id}</code>
          </dd>
        </div>
      </dl>
      <p class="fine">
        It stands in the public record as match.deposit.collected, and in your summary of the year with everything else
        that you gave. The processor’s fee is borne by the platform.
      </p>
    </section>
  );
}

function Deposits({ deposits, path }: { deposits: Deposit[]; path: string }) {
  return (
    <section class="stack" aria-labelledby="deposits-head">
      <h2 id="deposits-head">What you paid</h2>
      <ul class="rows">
        {deposits.map((deposit) => (
          <li key={deposit.id}>
            <span class="rows-main">
              {money(deposit.amount)} by {rails[deposit.rail] ?? deposit.rail} <State of={deposit.state} />
            </span>
            <span class="rows-amount">
              {deposit.collectedAt && <a href={`${path}?deposit=${encodeURIComponent(deposit.id)}`}>Receipt</a>}
            </span>
            <span class="rows-when">{date(deposit.collectedAt ?? deposit.createdAt)}</span>
          </li>
        ))}
      </ul>
      {deposits
        .filter(({ transfer }) => transfer)
        .map(({ id, amount, transfer }) => (
          <details class="panel" key={id}>
            <summary>Where to send {money(amount)}</summary>
            {transfer && <TransferLines transfer={transfer} />}
            <form method="post" action={path}>
              <input type="hidden" name="do" value="withdraw" />
              <input type="hidden" name="id" value={id} />
              <p class="actions">
                <button class="button quiet">I won’t send it</button>
              </p>
            </form>
          </details>
        ))}
    </section>
  );
}

function GiveBack(props: { path: string; form: URLSearchParams; errors: UserError[]; free: Money }) {
  return (
    <form method="post" action={props.path} class="form panel">
      <h2>Give back what is free</h2>
      <p class="muted">
        {money(props.free)} is promised to no round. It goes back to the sponsors in proportion to what each has in the
        pool.
      </p>
      <input type="hidden" name="do" value="back" />
      <Field label="Why" id="back-reason" errors={props.errors}>
        <input name="reason" autoComplete="off" required value={props.form.get('reason') ?? ''} />
      </Field>
      <p class="actions">
        <button class="button quiet" disabled={props.free.amountMinor === '0'}>
          Give it back
        </button>
      </p>
    </form>
  );
}

async function act(context: PageContext, poolId: string): Promise<UserError[]> {
  const text = (name: string) => (context.form.get(name) ?? '').trim();
  switch (text('do')) {
    case 'withdraw':
      return (await mutate(context, matchDepositWithdraw, { depositId: text('id') })).errors;
    case 'back':
      return (await mutate(context, matchPoolGiveBack, { poolId, reason: text('reason') })).errors;
    default:
      return [refusal('This page knows no such step.')];
  }
}
