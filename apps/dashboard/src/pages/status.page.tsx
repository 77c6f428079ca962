/** `/status`: whether the books balance, the log grows, and machines answer; every invariant where the API offers its audit. */
import { invariantsQuery, statusQuery } from '../api/documents.js';
import { nodesOf, type Connection } from '../api/shapes.js';
import { integer } from '../format/amount.js';
import { page, type PageContext, type Result } from '../http/request.js';
import { Icon } from '../parts/mark.js';
import { Empty } from '../parts/notice.js';
import { Promises, type PlatformPromise } from '../parts/promises.js';
import { When } from '../parts/who-when.js';
import { State } from '../parts/state.js';
import { failurePage } from './problem.page.js';

interface StatusAnswer {
  log: { size: string; rootHash: string; keyId: string } | null;
  ledgerTrialBalance: { unit: string; balanced: boolean }[] | null;
  nodes: Connection<{
    id: string;
    name: string;
    state: string;
    class: string;
    count: number;
    lastSeenAt: string | null;
  }> | null;
  runs: Connection<{
    id: string;
    state: string;
    step: number;
    targetSteps: number;
    campaign: { title: string } | null;
  }> | null;
}
export async function statusPage(context: PageContext): Promise<Result> {
  const [answer, audit] = await Promise.all([
    context.ask<StatusAnswer>(statusQuery),
    context.ask<{ invariants: PlatformPromise[] | null }>(invariantsQuery),
  ]);
  if (!answer.data) return failurePage(answer.problems);
  const { log, ledgerTrialBalance: trial, nodes, runs } = answer.data;
  const machines = nodesOf(nodes);
  const invariants = audit.data?.invariants ?? null;
  const broken =
    (invariants ?? []).filter((one) => !one.ok).length + (trial ?? []).filter((line) => !line.balanced).length;
  return page({
    title: 'Status',
    section: 'status',
    problems: [...answer.problems, ...audit.problems],
    body: (
      <div class="wrap">
        <div>
          <h1>{broken > 0 ? 'Something does not hold' : invariants ? 'Everything holds' : 'The books balance'}</h1>
          <p class="lead">
            Looked at just now, from the tables themselves. The page asks the same API that anybody can ask.
          </p>
        </div>
        <ul class="signs">
          <Sign
            good={answer.problems.length === 0}
            label="API"
            note={answer.problems.length === 0 ? 'answers' : 'answers in part'}
          />
          <Sign
            good={(trial ?? []).every((line) => line.balanced)}
            label="Ledger"
            note={
              trial?.length
                ? `${trial.length} units, ${trial.every((line) => line.balanced) ? 'all balanced' : 'not balanced'}`
                : 'empty'
            }
          />
          <Sign good={log !== null} label="Public log" note={log ? `${integer(log.size)} events` : 'not reached'} />
          <Sign
            good
            label="Machines"
            note={`${machines.filter((node) => !/OFFLINE|SUSPECT|QUARANTINED|RETIRED|LOST/i.test(node.state)).length} of ${machines.length} here`}
          />
        </ul>
        {invariants && (
          <section class="stack" aria-labelledby="invariants-head">
            <h2 id="invariants-head">What is promised</h2>
            <p class="muted">
              Each is asked of the live tables, at most a minute ago, by a query that the audit shares.
            </p>
            <Promises promises={invariants} />
          </section>
        )}
        <div class="panels">
          <section class="stack" aria-labelledby="machines-head">
            <h2 id="machines-head">Machines</h2>
            {machines.length === 0 ? (
              <Empty title="No machine has joined yet" />
            ) : (
              <ul class="rows">
                {machines.map((node) => (
                  <li key={node.id}>
                    <span class="rows-main">
                      <a href={`/nodes/${encodeURIComponent(node.id)}`}>{node.name}</a> <State of={node.state} />
                    </span>
                    <span class="rows-amount">
                      {node.count} × {node.class}
                    </span>
                    <span class="rows-when">
                      {node.lastSeenAt ? <When iso={node.lastSeenAt} now={context.now} /> : 'never heard'}
                    </span>
                  </li>
                ))}
              </ul>
            )}
          </section>
          <section class="stack" aria-labelledby="latest-runs-head">
            <h2 id="latest-runs-head">Latest runs</h2>
            {nodesOf(runs).length === 0 ? (
              <Empty title="No run yet" />
            ) : (
              <ul class="rows">
                {nodesOf(runs).map((run) => (
                  <li key={run.id}>
                    <span class="rows-main">
                      <a href={`/runs/${encodeURIComponent(run.id)}`}>{run.campaign?.title ?? 'Run'}</a>{' '}
                      <State of={run.state} />
                    </span>
                    <span class="rows-amount">
                      {integer(run.step)} / {integer(run.targetSteps)}
                    </span>
                  </li>
                ))}
              </ul>
            )}
          </section>
        </div>
      </div>
    ),
  });
}

function Sign({ good, label, note }: { good: boolean; label: string; note: string }) {
  return (
    <li class="panel sign">
      <p class={`verdict ${good ? 'good' : 'bad'}`}>
        <Icon name={good ? 'check' : 'cross'} size={16} /> {label}
      </p>
      <p>{note}</p>
    </li>
  );
}
