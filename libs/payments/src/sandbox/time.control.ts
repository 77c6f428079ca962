import type { Answer } from './sandbox.server.js';
import type { SandboxWorld } from './sandbox.world.js';
import { fireDueTimers } from './timer.wheel.js';

/** A year: farther than any window of a dispute, a debit or a campaign. */
const ADVANCE_MS_MAX = 366 * 86_400_000;

/** Time goes forward for the whole sandbox: timers, available funds and idempotency keys; not for signatures. */
export function moveTime(world: SandboxWorld, advanceMs: unknown): Answer {
  if (typeof advanceMs !== 'number' || !Number.isInteger(advanceMs) || advanceMs < 0 || advanceMs > ADVANCE_MS_MAX) {
    const message = `advanceMs must be a whole number from 0 to ${ADVANCE_MS_MAX}.`;
    return { status: 400, body: JSON.stringify({ error: { code: 'advance_invalid', message } }) };
  }
  world.book.addTime(advanceMs);
  let fired = 0;
  for (let now = fireDueTimers(world); now > 0; now = fireDueTimers(world)) fired += now;
  return { status: 200, body: JSON.stringify({ nowMs: world.book.nowMs, timers: fired }) };
}
