import type Stripe from 'stripe';
import type { SandboxBook, Stored } from './sandbox.book.js';
import { SANDBOX_API_VERSION, type RequestOrigin } from './sandbox.world.js';

/** How unkind the deliveries are. Every number is remembered in the book and can be changed while running. */
export interface Chaos {
  /** How often each event is delivered, in all. */
  duplicates: number;
  /** How many more events are held back until a later one has arrived. */
  outOfOrder: number;
  /** Each delivery is delayed by up to this much, at random: a shuffle. */
  shuffleMs: number;
  /** Share of events, 0 to 1, that are never delivered (they stay readable through the events API). */
  lose: number;
  /** Nothing is delivered while this is set. */
  paused: boolean;
}

const CALM: Chaos = { duplicates: 1, outOfOrder: 0, shuffleMs: 0, lose: 0, paused: false };

export const COMMAND_LINE_ENDPOINT = 'we_command_line';

/** A held event goes out after this even if nothing overtook it. */
const HELD_MS_MAX = 5000;

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
  for (const endpoint of endpoints) enqueue(book, event.id, endpoint.id);
}

function activeEndpoints(book: SandboxBook, type: string): Stripe.WebhookEndpoint[] {
  const connected = book.scope !== '';
  const all = book.within('', () => book.page<Stripe.WebhookEndpoint>('webhook_endpoint', { limit: 16 })?.data ?? []);
  return all.filter(
    (endpoint) =>
      hearsOf(book, endpoint.id, connected) &&
      endpoint.status === 'enabled' &&
      (endpoint.enabled_events.includes('*') || endpoint.enabled_events.includes(type)),
  );
}

/** An endpoint hears of its own account, or with `connect` of the connected ones; the command line's hears of both. */
function hearsOf(book: SandboxBook, endpoint: string, connected: boolean): boolean {
  if (endpoint === COMMAND_LINE_ENDPOINT) return true;
  return (book.hidden<{ connect?: boolean }>(endpoint)?.connect === true) === connected;
}

function enqueue(book: SandboxBook, event: string, endpoint: string): void {
  const chaos = chaosOf(book);
  if (chaos.lose > 0 && book.chance() < chaos.lose) {
    insert(book, { event, endpoint, copy: 1, nextMs: book.nowMs, held: 0, state: 'lost' });
    return;
  }
  const held = chaos.outOfOrder > 0 && !previousIsHeld(book, endpoint);
  if (held) book.setSetting('chaos', { ...chaos, outOfOrder: chaos.outOfOrder - 1 });
  for (let copy = 1; copy <= chaos.duplicates; copy += 1) {
    const delayMs = held ? HELD_MS_MAX : chaos.shuffleMs > 0 ? Math.floor(book.chance() * chaos.shuffleMs) : 0;
    insert(book, { event, endpoint, copy, nextMs: book.nowMs + delayMs, held: held ? 1 : 0, state: 'pending' });
  }
}

/** Two neighbours are never both held: each held event has one that overtakes it. */
function previousIsHeld(book: SandboxBook, endpoint: string): boolean {
  const last = book.row('SELECT held FROM delivery WHERE endpoint = ? ORDER BY id DESC LIMIT 1', endpoint);
  return Number(last?.['held'] ?? 0) === 1;
}

function insert(
  book: SandboxBook,
  row: { event: string; endpoint: string; copy: number; nextMs: number; held: number; state: string },
): void {
  book.run(
    'INSERT INTO delivery (event, endpoint, copy, next_ms, held, state) VALUES (?, ?, ?, ?, ?, ?)',
    row.event,
    row.endpoint,
    row.copy,
    row.nextMs,
    row.held,
    row.state,
  );
}

/** Called when delivery `id` was acknowledged: what it overtook may go now. */
export function releaseOvertaken(book: SandboxBook, id: number, endpoint: string): void {
  book.run(
    "UPDATE delivery SET next_ms = ? WHERE endpoint = ? AND held = 1 AND state = 'pending' AND attempt = 0 AND id < ?",
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
