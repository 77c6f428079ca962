import {
  ClockworkTask,
  type Clockwork,
  type DomainEvent,
  type EventSubscriber,
  Subscriber,
  type Tx,
  UnitOfWork,
} from '#platform';
import { TransparencyLog } from '#transparency';
import { RUN_ENDS } from '../domain/event-selection.js';
import { ReportCommands } from '../report.commands.js';
import { runEvidence } from '../run-evidence.js';

const causeOf = (runId: string): string => `run-ended:${runId}`;

/**
 * Publishes the report of a run when the run has ended and every lease that delivered time is settled. Which of the
 * events comes last doesn't matter: each time, the present state is looked at, and the cause makes it happen once.
 */
@Subscriber()
export class PublishAtEnd implements EventSubscriber {
  readonly name = 'reports.publish-at-end';
  readonly types = ['run.completed', 'run.failed', 'run.cancelled', 'usage.settled'];

  constructor(
    private readonly log: TransparencyLog,
    private readonly commands: ReportCommands,
  ) {}

  async handle(event: DomainEvent, tx: Tx): Promise<void> {
    const runId = event.payload['runId'];
    if (typeof runId !== 'string') return;
    const evidence = await runEvidence(tx, this.log, runId, await this.log.size(tx));
    const events = evidence?.events ?? [];
    if (!events.some(({ type }) => RUN_ENDS.has(type))) return;
    const settled = new Set(
      events.filter(({ type }) => type === 'usage.settled').map(({ payload }) => payload['leaseId']),
    );
    const open = events.some(
      ({ type, payload }) =>
        type === 'lease.ended' && payload['milliseconds'] !== '0' && !settled.has(payload['leaseId']),
    );
    if (!open) await this.commands.publishOnce(tx, runId, causeOf(runId));
  }
}

const PATIENCE_MS = 10 * 60_000;

/** A run whose usage is never settled gets its report all the same, ten minutes after its end. */
@ClockworkTask()
export class PublishOverdue implements Clockwork {
  readonly name = 'reports.publish-overdue';
  readonly everyMs = 60_000;

  constructor(
    private readonly uow: UnitOfWork,
    private readonly commands: ReportCommands,
  ) {}

  async tick(): Promise<void> {
    const overdue = await this.uow.read((tx) =>
      tx.query<{ run_id: string }>(
        `SELECT e.payload->>'runId' AS run_id
           FROM log_leaf l JOIN event_outbox e ON e.id = l.event_id
          WHERE l.event_type = ANY($1) AND l.occurred_at < $2
            AND NOT EXISTS (SELECT 1 FROM report r JOIN report_publication p ON p.report_id = r.id
                             WHERE r.run_id::text = e.payload->>'runId' AND p.log_size > l.index)
          ORDER BY l.index LIMIT 10`,
        [[...RUN_ENDS], new Date(tx.now.getTime() - PATIENCE_MS)],
      ),
    );
    for (const { run_id } of overdue) {
      await this.uow.run('reports.publish-overdue', async (tx) => {
        await this.commands.publishOnce(tx, run_id, causeOf(run_id));
        return undefined;
      });
    }
  }
}
