/** `/account/giving`: what I gave and promised, what it is paid with, and the papers about it. */
import { givingQuery, papersQuery, savedMethodsQuery } from '../api/giving.documents.js';
import { nodesOf, type Connection, type Person } from '../api/shapes.js';
import type { Money } from '../format/amount.js';
import { page, redirect, type PageContext, type Result } from '../http/request.js';
import { AccountTabs } from '../parts/account-tabs.js';
import { UserErrors } from '../parts/form.js';
import { More } from '../parts/more.js';
import { MyMethods, MyPlans, type MyMethod, type MyPlan } from '../parts/my-methods.js';
import { Invoices, Receipts, Years, type Papers } from '../parts/my-papers.js';
import { CashPledges, ComputePledges, GIVING, MyCashLeft, type MyCash, type MyCompute } from '../parts/my-pledges.js';
import { Empty, Notice } from '../parts/notice.js';
import { givingDone, takeGivingStep } from './giving.steps.js';
import { failurePage } from './problem.page.js';

interface Giving {
  viewer: { contributor: Person } | null;
  myPledges: { cash: Connection<MyCash>; compute: Connection<MyCompute> };
  myPledgePlans: MyPlan[];
  myUnappliedCash: Money[];
}

export async function givingPage(context: PageContext): Promise<Result> {
  if (!(await context.viewer)) return redirect(`/sign-in?return=${GIVING}`);
  const errors = context.method === 'POST' ? await takeGivingStep(context) : [];
  if (context.method === 'POST' && errors.length === 0)
    return redirect(`${GIVING}?done=${encodeURIComponent(context.form.get('do') ?? '')}`);
  const { searchParams } = context.url;
  const cursor = (name: string) => (searchParams.get(name) ? { [name]: searchParams.get(name) } : {});
  const [answer, saved, papers] = await Promise.all([
    context.ask<Giving>(givingQuery, cursor('after')),
    context.ask<{ mySavedMethods: Connection<MyMethod> }>(savedMethodsQuery),
    context.ask<Papers>(papersQuery, { ...cursor('receiptsAfter'), ...cursor('invoicesAfter') }),
  ]);
  if (!answer.data) return failurePage(answer.problems);
  const { viewer, myPledges, myPledgePlans: plans, myUnappliedCash: left } = answer.data;
  const cash = nodesOf(myPledges.cash);
  const compute = nodesOf(myPledges.compute);
  const methods = nodesOf(saved.data?.mySavedMethods);
  const said = errors.length === 0 ? givingDone(searchParams.get('done')) : undefined;
  const { myReceipts, myYearlySummaries, myInvoices } = papers.data ?? {};
  const has = (list: Connection<unknown> | undefined): boolean => (list?.edges.length ?? 0) > 0;
  return page({
    title: 'My giving',
    section: 'account',
    status: errors.length > 0 ? 422 : 200,
    problems: [...answer.problems, ...saved.problems, ...papers.problems],
    body: (
      <div class="wrap">
        <div>
          <h1>My giving</h1>
          <p class="lead">What you pledged, how it is paid, and the papers for your books.</p>
        </div>
        <AccountTabs at="giving" />
        {said && <Notice tone="good" title={said} live />}
        <UserErrors errors={errors} />
        <MyCashLeft cash={left} />
        <div class="giving">
          <div class="giving-main">
            <section class="stack" aria-labelledby="pledges">
              <h2 id="pledges">Pledges</h2>
              {cash.length === 0 ? (
                <Empty title="Nothing pledged yet">
                  <a href="/">Find a campaign</a> to take part in, with money or with GPU time.
                </Empty>
              ) : (
                <CashPledges
                  pledges={cash}
                  unapplied={left.map(({ currency }) => currency)}
                  accountName={viewer?.contributor.displayName ?? ''}
                />
              )}
              <More url={context.url} connection={myPledges.cash} label="Older pledges" />
            </section>
            {compute.length > 0 && (
              <section class="stack" aria-labelledby="gpu-time">
                <h2 id="gpu-time">GPU time</h2>
                <ComputePledges pledges={compute} />
              </section>
            )}
            {myReceipts && has(myReceipts) && (
              <section class="stack" aria-labelledby="receipts">
                <h2 id="receipts">Receipts</h2>
                <Receipts receipts={myReceipts} url={context.url} />
              </section>
            )}
            {myInvoices && has(myInvoices) && (
              <section class="stack" aria-labelledby="invoices">
                <h2 id="invoices">Invoices</h2>
                <Invoices invoices={myInvoices} url={context.url} />
              </section>
            )}
          </div>
          <aside class="giving-side" aria-label="Payment and years">
            <section class="stack" aria-labelledby="monthly">
              <h2 id="monthly">Monthly</h2>
              {plans.length === 0 ? (
                <p class="muted">No monthly pledge. Choose “each month” when you pledge to make one.</p>
              ) : (
                <MyPlans plans={plans} />
              )}
            </section>
            <section class="stack" aria-labelledby="methods">
              <h2 id="methods">Saved cards and accounts</h2>
              {methods.length === 0 ? (
                <p class="muted">None. A card is saved only for a pledge that is charged later.</p>
              ) : (
                <MyMethods methods={methods} />
              )}
            </section>
            {myYearlySummaries && has(myYearlySummaries) && (
              <section class="stack" aria-labelledby="years">
                <h2 id="years">Yearly summaries</h2>
                <Years years={myYearlySummaries} />
              </section>
            )}
          </aside>
        </div>
      </div>
    ),
  });
}
