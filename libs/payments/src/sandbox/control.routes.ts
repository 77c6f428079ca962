import { retrieveEvent } from './account.resource.js';
import { ApiError } from './api.error.js';
import { answerBankControl } from './bank.control.js';
import { LATE_MS_MAX, type Chaos } from './chaos.rule.js';
import { chargeOfRequest } from './charge.resource.js';
import { openDispute } from './dispute.resource.js';
import type { Answer } from './sandbox.server.js';
import type { SandboxWorld } from './sandbox.world.js';
import { moveTime } from './time.control.js';
import { chaosOf, resend } from './webhook.queue.js';

/** Faults of the next calls: executed, and the answer is lost or replaced; or turned away before anything is done. */
export interface Faults {
  /** The connection is cut instead of an answer to the next n POST calls. */
  dropAnswers: number;
  /** The next n POST calls are answered with 500 although they were executed. */
  failAnswers: number;
  /** The next n POST calls are not executed: their object is in use, 429 `lock_timeout`. */
  lockCalls: number;
}

/** How many API calls are taken in a second, and how many were turned away with 429. */
export interface Limits {
  /** 0: as many as may come. */
  callsPerSecond: number;
  turnedAway: number;
}

export interface ControlDesk {
  readonly world: SandboxWorld;
  readonly faults: Faults;
  readonly limits: Limits;
  /** How many webhooks were taken since the start of this process. */
  readonly delivered: number;
  readonly authorised: boolean;
  wake(): void;
}

/**
 * What a test or a demo does to the sandbox that no API call can: under /_sandbox/, with the secret key.
 *   GET  health                                   is it up (no key needed)
 *   GET  requests/ID                              the events that a call caused (no key needed)
 *   GET  status                                   counts of deliveries and objects, the chaos and the limits in force
 *   GET  quiet                                    whether nothing is under way, without counting
 *   POST chaos     {duplicates?, outOfOrder?, shuffleMs?, shuffleWindow?, late?, lateMs?, lose?, early?, paused?, seed?}
 *   POST time      {advanceMs}                    everything that falls due meanwhile happens, in order
 *   POST faults    {dropAnswers?, failAnswers?, lockCalls?}
 *   POST limits    {callsPerSecond}               calls beyond are turned away with 429 (0: none are)
 *   POST disputes  {charge | paymentIntent, amount?, reason?, inquiry?}   a dispute opens now
 *   POST disputes/decide {dispute, outcome}       won | lost | escalated: what only a bank can do
 *   POST warnings  {charge | paymentIntent, fraudType?, becomesDispute?}   an early fraud warning comes now
 *   POST refunds   {refund, outcome: 'failed', reason?} | {waitForFunds}   a refund comes back; refunds wait for money
 *   POST payouts  {payout, code?}                a payout comes back from the bank, also one that had arrived
 *   POST fees      {amount, currency?, description?, account?}   a stripe_fee is taken from the balance
 *   POST resend    {event}                        an event is delivered once more
 */
export function answerControl(desk: ControlDesk, input: { method: string; path: string; body: string }): Answer {
  const { world } = desk;
  const call = `${input.method} ${input.path}`;
  if (call === 'GET health') return answer(200, { status: 'ok' });
  if (call.startsWith('GET requests/'))
    return answer(200, eventsOfRequest(world, input.path.slice('requests/'.length)));
  if (!desk.authorised) return refuse(401, 'key_required', 'Send the secret key in the Authorization header.');
  if (call === 'GET status') return answer(200, { ...statusOf(world), limits: desk.limits });
  if (call === 'GET quiet') return answer(200, { ...quietOf(world), delivered: desk.delivered });
  const body = parse(input.body);
  if (body === undefined) return refuse(400, 'json_invalid', 'The body must be a JSON object.');
  const done = answering(world, (): Answer => {
    switch (call) {
      case 'POST chaos':
        return setChaos(world, body);
      case 'POST time':
        return moveTime(world, body['advanceMs']);
      case 'POST faults':
        desk.faults.dropAnswers = numberOf(body, 'dropAnswers') ?? desk.faults.dropAnswers;
        desk.faults.failAnswers = numberOf(body, 'failAnswers') ?? desk.faults.failAnswers;
        desk.faults.lockCalls = numberOf(body, 'lockCalls') ?? desk.faults.lockCalls;
        return answer(200, desk.faults);
      case 'POST limits':
        desk.limits.callsPerSecond = clamp(
          numberOf(body, 'callsPerSecond') ?? desk.limits.callsPerSecond,
          0,
          1_000_000,
        );
        return answer(200, desk.limits);
      case 'POST disputes':
        return dispute(world, body);
      case 'POST disputes/decide':
      case 'POST warnings':
      case 'POST refunds':
      case 'POST payouts':
      case 'POST fees':
        return answerBankControl(world, input.path, body);
      case 'POST resend':
        return answer(200, { deliveries: resend(world.book, retrieveEvent(world, String(body['event'])).id) });
      default:
        return refuse(404, 'control_unknown', `There is no control ${call}.`);
    }
  });
  desk.wake();
  return done;
}

/** A control that the API would refuse is refused in the API's words. */
function answering(world: SandboxWorld, act: () => Answer): Answer {
  try {
    return world.book.transaction(act);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return answer(error.status, { error: error.body });
  }
}

function setChaos(world: SandboxWorld, body: Record<string, unknown>): Answer {
  const before = chaosOf(world.book);
  const next: Chaos = {
    duplicates: clamp(numberOf(body, 'duplicates') ?? before.duplicates, 1, 20),
    outOfOrder: clamp(numberOf(body, 'outOfOrder') ?? before.outOfOrder, 0, 1_000_000),
    shuffleMs: clamp(numberOf(body, 'shuffleMs') ?? before.shuffleMs, 0, 3_600_000),
    lose: clamp(numberOf(body, 'lose') ?? before.lose, 0, 1),
    shuffleWindow: clamp(numberOf(body, 'shuffleWindow') ?? before.shuffleWindow, 0, 1_000_000),
    late: clamp(numberOf(body, 'late') ?? before.late, 0, 1),
    lateMs: clamp(numberOf(body, 'lateMs') ?? before.lateMs, 0, LATE_MS_MAX),
    early: clamp(numberOf(body, 'early') ?? before.early, 0, 1),
    seed: typeof body['seed'] === 'string' ? body['seed'] : before.seed,
    paused: typeof body['paused'] === 'boolean' ? body['paused'] : before.paused,
  };
  world.book.setSetting('chaos', next);
  return answer(200, next);
}

function dispute(world: SandboxWorld, body: Record<string, unknown>): Answer {
  const text = (name: string): string | undefined => (typeof body[name] === 'string' ? body[name] : undefined);
  const charge = chargeOfRequest(world, text('charge'), text('paymentIntent'));
  const opened = openDispute(world, charge.id, {
    reason: text('reason') ?? 'fraudulent',
    inquiry: body['inquiry'] === true,
    amountMinor: numberOf(body, 'amount'),
  });
  if (opened === undefined) {
    return refuse(409, 'charge_not_disputable', `Charge ${charge.id} was refunded in full or is disputed already.`);
  }
  return answer(200, opened);
}

/** Where `request_log_url` of an error leads: ids and types only. */
function eventsOfRequest(world: SandboxWorld, id: string): object {
  const rows = world.book.rows(
    `SELECT id, json_extract(body, '$.type') AS type FROM object
      WHERE kind = 'event' AND json_extract(body, '$.request.id') = ? ORDER BY seq LIMIT 100`,
    id,
  );
  return { request: id, events: rows.map((row) => ({ id: row['id'], type: row['type'] })) };
}

function statusOf(world: SandboxWorld): object {
  const count = (sql: string, column: string): Record<string, number> =>
    Object.fromEntries(world.book.rows(sql).map((row) => [String(row[column]), Number(row['n'])]));
  return {
    chaos: chaosOf(world.book),
    deliveries: {
      pending: 0,
      delivered: 0,
      given_up: 0,
      lost: 0,
      ...count('SELECT state, count(*) AS n FROM delivery GROUP BY state', 'state'),
    },
    // What fires within a minute: a deadline that is days away is nothing to wait for.
    timers: Number(
      world.book.row('SELECT count(*) AS n FROM timer WHERE due_ms <= ?', world.book.nowMs + 60_000)?.['n'] ?? 0,
    ),
    objects: count('SELECT kind, count(*) AS n FROM object GROUP BY kind', 'kind'),
  };
}

/** Asked again and again while a million deliveries are under way, so it counts nothing. */
function quietOf(world: SandboxWorld): object {
  const found = (sql: string, ...values: number[]): boolean => world.book.row(sql, ...values) !== undefined;
  const delivering = found("SELECT 1 FROM delivery WHERE state = 'pending' LIMIT 1");
  const waiting = found('SELECT 1 FROM timer WHERE due_ms <= ? LIMIT 1', world.book.nowMs + 60_000);
  return { quiet: !delivering && !waiting, delivering, waiting };
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text === '' ? '{}' : text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function numberOf(body: Record<string, unknown>, name: string): number | undefined {
  const value = body[name];
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}

function answer(status: number, body: object): Answer {
  return { status, body: JSON.stringify(body) };
}

function refuse(status: number, code: string, message: string): Answer {
  return answer(status, { error: { code, message } });
}
