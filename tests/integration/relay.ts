import { type Handlers, OutboxRelay, type UnitOfWork, eventsByIds } from '#platform';

/** What the worker does with the outbox, in this process and without a log: every event reaches its subscribers. */
export async function relayTo(handlers: Handlers, uow: UnitOfWork): Promise<void> {
  const subscribers = handlers.subscribers();
  const outbox = new OutboxRelay(uow, { append: () => Promise.resolve() }, (type) =>
    subscribers.filter((s) => s.types.includes(type)).map((s) => s.name),
  );
  for (;;) {
    const { deliveries, relayed } = await outbox.pass();
    if (relayed === 0) return;
    for (const { eventId, subscriber } of deliveries) {
      const handler = subscribers.find((s) => s.name === subscriber);
      await uow.run('deliver', async (tx) => {
        const [event] = await eventsByIds(tx, [eventId]);
        if (handler && event) await handler.handle(event, tx);
      });
    }
  }
}
