import type Stripe from 'stripe';
import { CALM, planDeliveries, type Chaos } from './chaos.rule.js';
import type { SandboxBook, Stored } from './sandbox.book.js';
import { SANDBOX_API_VERSION, type RequestOrigin } from './sandbox.world.js';

export const COMMAND_LINE_ENDPOINT = 'we_command_line';

/** A held event goes out after this even if nothing overtook it. */
const HELD_MS_MAX = 5000;
/** What waits for later events goes out after this even if they never come. */
const WINDOW_MS_MAX = 2000;

export function chaosOf(book: SandboxBook): Chaos {
  return { ...CALM, ...book.setting<Partial<Chaos>>('chaos') };
}

/** Writes the event and its deliveries in the transaction of whatever caused it. */
export function recordEvent(
  book: SandboxBook,
  origin: RequestOrigin,
  type: Stripe.Event['type'],
  object: Stored,
  previous?: object,
): void {
  const endpoints = activeEndpoints(book, type);
  const event = {
    id: book.newId('evt'),
    object: 'event' as const,
    api_version: SANDBOX_API_VERSION,
    created: book.nowSeconds,
    data: previous === undefined ? { object } : { object, previous_attributes: previous },
    ...(book.scope === '' ? {} : { account: book.scope }),
    livemode: false,
    pending_webhooks: endpoints.length,
    request: { id: origin.id, idempotency_key: origin.idempotencyKey },
    type,
  };
  book.add(event, { parent: object.id });
  const ordinal = (book.setting<number>('event_ordinal') ?? 0) + 1;
  book.setSetting('event_ordinal', ordinal);
  for (const endpoint of endpoints) enqueue(book, event.id, endpoint.id, ordinal);
  releaseWindow(book, ordinal);
}

function activeEndpoints(book: SandboxBook, type: string): Stripe.WebhookEndpoint[] {
  const connected = book.scope !== '';
  return endpointsOf(book).filter(
    (endpoint) =>
      hearsOf(endpoint, connected) &&
      endpoint.status === 'enabled' &&
      (endpoint.enabled_events.includes('*') || endpoint.enabled_events.includes(type)),
  );
}

type Endpoint = Stripe.WebhookEndpoint & { readonly connect: boolean };

/** All that hear of anything, of this account or of connected ones. */
export function endpointsOf(book: SandboxBook): readonly Endpoint[] {
  return book.derived('we_', () => {
    const page = book.within('', () => book.page<Stripe.WebhookEndpoint>('webhook_endpoint', { limit: 16 }));
    return (page?.data ?? []).map((endpoint) => {
      const connect = book.hidden<{ connect?: boolean }>(endpoint.id)?.connect === true;
      return { ...endpoint, connect };
    });
  });
}

/** An endpoint hears of its own account, or with `connect` of the connected ones; the command line's hears of both. */
const hearsOf = (endpoint: Endpoint, connected: boolean): boolean =>
  endpoint.id === COMMAND_LINE_ENDPOINT || endpoint.connect === connected;

function enqueue(book: SandboxBook, event: string, endpoint: string, ordinal: number): void {
  const chaos = chaosOf(book);
  const plan = planDeliveries(chaos, ordinal);
  if (plan.kind === 'lost') {
    insert(book, { event, endpoint, copy: 1, nextMs: book.nowMs, held: 0, state: 'lost' });
    return;
  }
  const held = chaos.outOfOrder > 0 && !plan.early && !previousIsHeld(book, endpoint);
  if (held) book.setSetting('chaos', { ...chaos, outOfOrder: chaos.outOfOrder - 1 });
  plan.copies.forEach(({ delayMs, overtakenBy }, index) => {
    insert(book, {
      event,
      endpoint,
      copy: index + 1,
      nextMs: book.nowMs + Math.max(delayMs, held ? HELD_MS_MAX : overtakenBy > 0 ? WINDOW_MS_MAX : 0),
      held: held ? 1 : 0,
      state: 'pending',
      // A late delivery is late whatever overtakes it.
      releaseAt: !held && overtakenBy > 0 && delayMs < WINDOW_MS_MAX ? ordinal + overtakenBy : null,
      early: plan.early && index === 0,
    });
  });
}

/** Two neighbours are never both held: each held event has one that overtakes it. */
function previousIsHeld(book: SandboxBook, endpoint: string): boolean {
  const last = book.row('SELECT held FROM delivery WHERE endpoint = ? ORDER BY id DESC LIMIT 1', endpoint);
  return Number(last?.['held'] ?? 0) === 1;
}

interface NewDelivery {
  readonly event: string;
  readonly endpoint: string;
  readonly copy: number;
  readonly nextMs: number;
  readonly held: number;
  readonly state: string;
  readonly releaseAt?: number | null;
  readonly early?: boolean;
}

function insert(book: SandboxBook, row: NewDelivery): void {
  book.run(
    'INSERT INTO delivery (event, endpoint, copy, next_ms, held, state, release_at, early) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    row.event,
    row.endpoint,
    row.copy,
    row.nextMs,
    row.held,
    row.state,
    row.releaseAt ?? null,
    row.early === true ? 1 : 0,
  );
}

/** What waited for this many events may go now, in the order of what it waited for. */
function releaseWindow(book: SandboxBook, ordinal: number): void {
  book.run(
    'UPDATE delivery INDEXED BY delivery_release SET next_ms = min(next_ms, ?), release_at = NULL WHERE release_at <= ?',
    book.nowMs,
    ordinal,
  );
}

/** Called when delivery `id` was acknowledged: what it overtook may go now. */
export function releaseOvertaken(book: SandboxBook, id: number, endpoint: string): void {
  book.run(
    // Named, because the planner would rather walk through everything the endpoint ever got.
    "UPDATE delivery INDEXED BY delivery_held SET next_ms = ? WHERE endpoint = ? AND held = 1 AND state = 'pending' AND attempt = 0 AND id < ?",
    book.nowMs,
    endpoint,
    id,
  );
}

/** Puts an event on its way again, as `stripe events resend` does. */
export function resend(book: SandboxBook, event: string): number {
  const endpoints = book.page<Stripe.WebhookEndpoint>('webhook_endpoint', { limit: 16 })?.data ?? [];
  for (const endpoint of endpoints) {
    insert(book, { event, endpoint: endpoint.id, copy: 1, nextMs: book.nowMs, held: 0, state: 'pending' });
  }
  return endpoints.length;
}
