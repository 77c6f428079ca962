import type Stripe from 'stripe';
import { listOf, type ListAnswer } from './account.resource.js';
import { invalidRequest, resourceMissing } from './api.error.js';
import { deleteCustomer } from './customer.resource.js';
import type { Params } from './form.codec.js';
import { allowOnly, optionalText, requiredInteger } from './params.reader.js';
import { idOf, type SandboxWorld } from './sandbox.world.js';

/**
 * A clock of its own for some customers: what is made for them is dated by it, and the timers of their payments,
 * debits and disputes wait for it. It stands still until it is advanced; it never goes back.
 */
type TestClock = Stripe.TestHelpers.TestClock;

const KIND = 'test_helpers.test_clock';
/** Stripe deletes a clock after a month; the sandbox only says so. */
const DELETES_AFTER_SECONDS = 30 * 86_400;
const ADVANCE_SECONDS_MAX = 2 * 366 * 86_400;

export function createTestClock(world: SandboxWorld, params: Params): TestClock {
  allowOnly(params, ['frozen_time', 'name']);
  const frozen = requiredInteger(params, 'frozen_time');
  if (frozen < 0)
    throw invalidRequest('Invalid timestamp: must be an integer Unix timestamp.', { param: 'frozen_time' });
  const clock: TestClock = {
    id: world.book.newId('clock'),
    object: KIND,
    created: world.book.nowSeconds,
    deletes_after: world.book.nowSeconds + DELETES_AFTER_SECONDS,
    frozen_time: frozen,
    livemode: false,
    name: optionalText(params, 'name') ?? null,
    status: 'ready',
    status_details: {},
  };
  world.book.add(clock);
  world.emit('test_helpers.test_clock.created', clock);
  return clock;
}

export function retrieveTestClock(world: SandboxWorld, id: string): TestClock {
  const found = world.book.find<TestClock>(KIND, id);
  if (found === undefined) throw resourceMissing('test clock', id, 'test_clock');
  return found;
}

export function listTestClocks(world: SandboxWorld, params: Params): ListAnswer<TestClock> {
  return listOf<TestClock>(world, KIND, '/v1/test_helpers/test_clocks', params, { noun: 'test clock' });
}

/** The clock is at its new time at once; what falls due until then happens right after the answer. */
export function advanceTestClock(world: SandboxWorld, id: string, params: Params): TestClock {
  allowOnly(params, ['frozen_time']);
  const clock = retrieveTestClock(world, id);
  const to = requiredInteger(params, 'frozen_time');
  if (clock.status === 'advancing') {
    throw invalidRequest('This test clock is advancing. Wait until it is ready.', { param: 'test_clock' });
  }
  if (to <= clock.frozen_time || to > clock.frozen_time + ADVANCE_SECONDS_MAX) {
    throw invalidRequest(
      'A test clock can only be advanced to a time after its current frozen time, and by at most two years.',
      { param: 'frozen_time' },
    );
  }
  const advancing = world.book.save<TestClock>({
    ...clock,
    frozen_time: to,
    status: 'advancing',
    status_details: { advancing: { target_frozen_time: to } },
  });
  world.emit('test_helpers.test_clock.advancing', advancing);
  world.book.startTimer('advance_clock', id, 0);
  return advancing;
}

/** The timers of the clock have been served. */
export function readyTestClock(world: SandboxWorld, id: string): void {
  const clock = world.book.find<TestClock>(KIND, id);
  if (clock?.status !== 'advancing') return;
  const ready = world.book.save<TestClock>({ ...clock, status: 'ready', status_details: {} });
  world.emit('test_helpers.test_clock.ready', ready);
}

/** Its customers go with it, and what they were waiting for. */
export function deleteTestClock(world: SandboxWorld, id: string): { id: string; object: string; deleted: true } {
  const clock = retrieveTestClock(world, id);
  const customers = world.book.rows(
    `SELECT id FROM object WHERE kind = 'customer' AND account = ? AND json_extract(body, '$.test_clock') = ?
        AND json_extract(hidden, '$.deleted') IS NOT 1`,
    world.book.scope,
    id,
  );
  for (const { id: customer } of customers) deleteCustomer(world, String(customer));
  world.book.run('DELETE FROM timer WHERE clock = ?', id);
  world.book.remove(id);
  world.emit('test_helpers.test_clock.deleted', clock);
  return { id, object: KIND, deleted: true };
}

interface Owned {
  readonly object: string;
  readonly customer?: string | { id: string } | null;
  readonly charge?: string | { id: string } | null;
  readonly test_clock?: string | { id: string } | null;
}

/** The clock by which a call acts: that of the customer whom it names, or whose object it is about. */
export function clockOfCall(world: SandboxWorld, params: Params, id: string): string | undefined {
  // Without clocks there is nothing to look for.
  if (world.book.row("SELECT 1 FROM object WHERE kind = 'test_helpers.test_clock' LIMIT 1") === undefined) {
    return undefined;
  }
  for (const about of [params['customer'], params['payment_intent'], params['charge'], id]) {
    const found = typeof about === 'string' && about !== '' ? clockOf(world, about) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

function clockOf(world: SandboxWorld, id: string): string | undefined {
  const found = world.book.findAny(id) as Owned | undefined;
  if (found === undefined) return undefined;
  if (found.object === 'customer') return idOf(found.test_clock ?? null) ?? undefined;
  const owner = idOf(found.customer ?? null) ?? idOf(found.charge ?? null);
  return owner === null ? undefined : clockOf(world, owner);
}
