/** `/nodes`: the machines that people lend, and what each has shown. */
import { nodesQuery } from '../api/node.documents.js';
import { nodesOf, type Connection, type Person } from '../api/shapes.js';
import { dateTime, relative } from '../format/moment.js';
import { operationRate } from '../format/rate.js';
import { page, type PageContext, type Result } from '../http/request.js';
import { More } from '../parts/more.js';
import { Empty } from '../parts/notice.js';
import { State } from '../parts/state.js';
import { failurePage } from './problem.page.js';

interface Machine {
  id: string;
  name: string;
  state: string;
  class: string;
  count: number;
  region: string | null;
  verifiedAt: string | null;
  lastSeenAt: string;
  owner: Person;
  challenges: { state: string; operationsPerSecond: string | null }[];
}

const PAGE = 50;

export async function nodesPage(context: PageContext): Promise<Result> {
  const after = context.url.searchParams.get('after');
  const answer = await context.ask<{ nodes: Connection<Machine> }>(nodesQuery, {
    first: PAGE,
    ...(after ? { after } : {}),
  });
  if (!answer.data) return failurePage(answer.problems);
  const { nodes } = answer.data;
  const list = nodesOf(nodes);
  return page({
    title: 'Machines',
    section: 'runs',
    problems: answer.problems,
    body: (
      <div class="wrap">
        <div>
          <h1>Machines</h1>
          <p class="lead">
            Lent by their donors, newest first. Each has shown what it can do before it is given work, and shows it
            again when nobody expects it.
          </p>
        </div>
        {list.length === 0 ? (
          <Empty title="No machine has joined yet">
            Pledge GPU time to a campaign, or make a join token in your account, and run the command on a machine.
          </Empty>
        ) : (
          <div class="scroll">
            <table class="table stacked">
              <thead>
                <tr>
                  <th scope="col">Machine</th>
                  <th scope="col">State</th>
                  <th scope="col">Lends</th>
                  <th scope="col">Heard</th>
                  <th scope="col" class="num">
                    Has shown
                  </th>
                </tr>
              </thead>
              <tbody>
                {list.map((each) => (
                  <tr key={each.id}>
                    <th scope="row">
                      <a href={`/nodes/${encodeURIComponent(each.id)}`}>{each.name}</a>
                      <small>{each.owner.displayName}</small>
                    </th>
                    <td data-label="State">
                      <State of={each.state} />
                    </td>
                    <td data-label="Lends">
                      {each.count} × {each.class}
                      {each.region && <small>{each.region}</small>}
                    </td>
                    <td data-label="Heard">
                      <time dateTime={each.lastSeenAt} title={dateTime(each.lastSeenAt)}>
                        {relative(each.lastSeenAt, context.now)}
                      </time>
                    </td>
                    <td data-label="Has shown" class="num">
                      {shown(each)}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
        <More url={context.url} connection={nodes} label="Older ones" />
      </div>
    ),
  });
}

function shown({ challenges }: Machine): string {
  const passed = challenges.find((each) => each.state === 'passed')?.operationsPerSecond;
  return passed ? operationRate(passed) : 'nothing yet';
}
