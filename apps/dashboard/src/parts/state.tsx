/** States and event types as people read them. */
type Mood = 'calm' | 'live' | 'good' | 'warn' | 'bad';

const moods: Record<string, Mood> = {
  LIVE: 'live',
  TRAINING: 'live',
  RUNNING: 'live',
  LEASED: 'live',
  ACTIVE: 'live',
  DELIVERING: 'live',
  STARTING: 'live',
  SUCCEEDED: 'good',
  COMPLETED: 'good',
  CAPTURED: 'good',
  FULFILLED: 'good',
  ACCEPTED: 'good',
  PROMOTED: 'good',
  AVAILABLE: 'good',
  IDLE: 'good',
  DONE: 'good',
  OPEN: 'live',
  COMPUTED: 'warn',
  FINAL: 'good',
  PAID: 'good',
  APPEALED: 'warn',
  STANDING: 'warn',
  UPHELD: 'bad',
  ASSEMBLING: 'live',
  FINISHING: 'live',
  DEGRADED: 'live',
  STARVED: 'warn',
  SUSPECT: 'warn',
  REGISTERED: 'calm',
  SUSPENDED: 'bad',
  REFUND_PENDING: 'warn',
  CHARGED_BACK: 'bad',
  WITHDRAWN: 'warn',
  WAITING: 'warn',
  QUEUED: 'warn',
  DRAINING: 'warn',
  REFUNDED: 'warn',
  LAPSED: 'warn',
  REQUIRES_ACTION: 'warn',
  IN_REVIEW: 'warn',
  PENDING: 'warn',
  FAILED: 'bad',
  CANCELLED: 'bad',
  DISPUTED: 'bad',
  EXPIRED: 'bad',
  OFFLINE: 'bad',
  LOST: 'bad',
  QUARANTINED: 'bad',
  REVOKED: 'bad',
};

/** `REQUIRES_ACTION`, `node_lost`, `pledge.capture` → words. */
export const words = (code: string): string => {
  const text = code.replaceAll(/[_.]/g, ' ').toLowerCase();
  return text.charAt(0).toUpperCase() + text.slice(1);
};

export function State({ of }: { of: string }) {
  return <span class={`state ${moods[of.toUpperCase()] ?? 'calm'}`}>{words(of)}</span>;
}

export const fundingModels: Record<string, string> = {
  KEEP_IT_ALL: 'Keep it all: cards are charged at once',
  ALL_OR_NOTHING: 'All or nothing: cards are charged only if the goal is reached',
  TRANCHES: 'Tranches: money is released step by step, against evidence',
};

/** A funded campaign goes on taking pledges until its deadline or its training. */
export const takesPledges = (state: string): boolean => state === 'LIVE' || state === 'SUCCEEDED';
