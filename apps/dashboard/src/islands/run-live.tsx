/** A run while it runs: figures, loss, nodes, checkpoints, usage and events. */
import { useEffect, useState } from 'preact/hooks';
import { runChanged, runLiveQuery } from '../api/documents.js';
import { nodesOf, type RunLive } from '../api/shapes.js';
import { engineering, flop, integer, share } from '../format/amount.js';
import { duration } from '../format/moment.js';
import { LeaseTimeline } from '../parts/lease-timeline.js';
import { LossChart } from '../parts/loss-chart.js';
import { Empty, Notice } from '../parts/notice.js';
import { Events } from '../parts/events.js';
import { Bar } from '../parts/bar.js';
import { Checkpoints, UsageTable } from '../parts/run-record.js';
import { State, words } from '../parts/state.js';
import { follow, type LiveState } from './live.client.js';
import { LiveSign } from './live-sign.js';

export interface RunLiveProps {
  run: RunLive;
  now: number;
}

export function RunLiveView(props: RunLiveProps) {
  const [run, setRun] = useState(props.run);
  const [now, setNow] = useState(props.now);
  const [live, setLive] = useState<LiveState>('connecting');
  useEffect(
    () =>
      follow<RunLive>({
        query: runLiveQuery,
        subscription: runChanged,
        variables: { id: props.run.id },
        read: (data) => data.runChanged ?? data.run,
        onAnswer: (value) => {
          setRun(value);
          setNow(Date.now());
        },
        onState: setLive,
      }),
    [],
  );
  const leases = nodesOf(run.leases);
  const checkpoints = nodesOf(run.checkpoints);
  const started = run.startedAt ? Date.parse(run.startedAt) : null;
  const ended = run.endedAt ? Date.parse(run.endedAt) : now;
  const busy = leases.filter((lease) => !lease.endedAt).length;
  return (
    <>
      <div class="with-sign run-state">
        <State of={run.state} />
        <LiveSign state={live} />
      </div>
      {run.waitReason && (
        <Notice tone="warn" title="Why it waits">
          {run.waitReason}
        </Notice>
      )}
      {run.stateReason && !run.waitReason && <p class="muted">{words(run.stateReason)}</p>}
      <dl class="tiles">
        <div class="tile wide">
          <dt>Steps</dt>
          <dd>
            {integer(run.step)} <small>of {integer(run.targetSteps)}</small>
          </dd>
          <dd class="tile-bar">
            <Bar
              label={`${run.step} of ${run.targetSteps} steps`}
              layers={[{ tone: 'compute', from: 0, to: share(run.step, run.targetSteps) }]}
            />
          </dd>
        </div>
        <Tile
          label="Loss"
          value={run.lastLoss === null ? '–' : Number(run.lastLoss).toFixed(3)}
          note={run.firstLoss === null ? '' : `from ${Number(run.firstLoss).toFixed(3)}`}
        />
        <Tile label="Tokens seen" value={engineering(run.tokens)} note={integer(run.tokens)} />
        <Tile label="Nodes at work" value={String(busy)} note={busy === 0 ? 'none at this moment' : 'on a lease now'} />
        <Tile
          label="Model arithmetic"
          value={run.flopModel && run.flopModel !== '0' ? flop(run.flopModel) : '–'}
          note={
            run.flopHardware && run.flopHardware !== '0'
              ? `${flop(run.flopHardware)} by hardware`
              : 'counted when settled'
          }
        />
        <Tile
          label="Time"
          value={started === null ? '–' : duration(ended - started)}
          note={started === null ? 'not started' : run.endedAt ? 'from start to end' : 'and counting'}
        />
      </dl>
      <section class="stack" aria-labelledby="loss-head">
        <h2 id="loss-head">Loss</h2>
        {run.lossCurve.length < 2 ? (
          <Empty title="No loss measured yet">The curve begins with the first steps.</Empty>
        ) : (
          <LossChart
            points={run.lossCurve.map((point) => ({
              step: Number(point.step),
              loss: Number(point.loss),
              attempt: point.attempt,
            }))}
            targetSteps={Number(run.targetSteps)}
            checkpoints={checkpoints.filter((checkpoint) => checkpoint.promotedAt)}
            attempts={run.attempts}
          />
        )}
      </section>
      <section class="stack" aria-labelledby="nodes-head">
        <h2 id="nodes-head">Nodes as they come and go</h2>
        {leases.length === 0 ? (
          <Empty title="No node has worked on this yet">A gang starts whole: all its nodes at once, or none.</Empty>
        ) : (
          <>
            <AttemptStory run={run} />
            <LeaseTimeline leases={leases} attempts={run.attempts} now={now} />
          </>
        )}
      </section>
      <div class="panels">
        <section class="stack" aria-labelledby="checkpoints-head">
          <h2 id="checkpoints-head">Checkpoints</h2>
          <Checkpoints checkpoints={checkpoints} now={now} />
        </section>
        <section class="stack" aria-labelledby="run-events-head">
          <h2 id="run-events-head">What happened</h2>
          <Events events={run.events} now={now} />
        </section>
      </div>
      <section class="stack" aria-labelledby="usage-head">
        <h2 id="usage-head">Who gave the compute</h2>
        <UsageTable usage={run.usage} />
      </section>
    </>
  );
}

/** One sentence an attempt: how many nodes, from where, and how it ended. */
function AttemptStory({ run }: { run: RunLive }) {
  return (
    <ol class="attempts">
      {[...run.attempts]
        .sort((a, b) => a.number - b.number)
        .map((attempt) => (
          <li key={attempt.id}>
            <strong>Attempt {attempt.number}</strong>
            <span>
              {attempt.restoredFromStep
                ? `from the checkpoint of step ${integer(attempt.restoredFromStep)}`
                : 'from the beginning'}
              {' · '}
              {attempt.endedAt
                ? words(attempt.reason ?? attempt.state).toLowerCase()
                : words(attempt.state).toLowerCase()}
            </span>
          </li>
        ))}
    </ol>
  );
}

function Tile(props: { label: string; value: string; note: string }) {
  return (
    <div class="tile">
      <dt>{props.label}</dt>
      <dd>
        {props.value} {props.note && <small>{props.note}</small>}
      </dd>
    </div>
  );
}
