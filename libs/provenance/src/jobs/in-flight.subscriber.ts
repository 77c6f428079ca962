import { type DomainEvent, type EventSubscriber, Subscriber, type Tx } from '#platform';

/** Rejects what was still on its way when its lease ended: the fence lets nothing more of it in. */
@Subscriber()
export class InFlightSubscriber implements EventSubscriber {
  readonly name = 'provenance-in-flight';
  readonly types = ['lease.ended'];

  async handle(event: DomainEvent, tx: Tx): Promise<void> {
    const { leaseId } = event.payload as { leaseId: string };
    await tx.query(
      `UPDATE checkpoint SET state = 'rejected', rejection = 'Its lease ended before it was complete.', closed_at = $2
        WHERE lease_id = $1 AND state IN ('declared', 'uploading', 'hashed')`,
      [leaseId, tx.now],
    );
  }
}
