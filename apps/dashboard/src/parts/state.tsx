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
  COLLECTED: 'good',
  PLEDGED: 'good',
  FUNDED: 'good',
  CHARGING: 'live',
  FROZEN: 'live',
  FULFILLED: 'good',
  ACCEPTED: 'good',
  PROMOTED: 'good',
  AVAILABLE: 'good',
  IDLE: 'good',
  DONE: 'good',
  OPEN: 'live',
  REOPENED: 'warn',
  ASSIGNED: 'live',
  EXPLAINED: 'calm',
  CORRECTED: 'good',
  PROPOSED: 'warn',
  POSTED: 'good',
  COMPUTED: 'warn',
  FINAL: 'good',
  PAID: 'good',
  ENABLED: 'good',
  APPROVED: 'good',
  RESERVED: 'live',
  IN_TRANSIT: 'live',
  EVIDENCE_SUBMITTED: 'live',
  ONBOARDING: 'warn',
  HELD: 'warn',
  WON: 'good',
  APPEALED: 'warn',
  STANDING: 'warn',
  UPHELD: 'bad',
  ASSEMBLING: 'live',
  FINISHING: 'live',
  DEGRADED: 'live',
  STARVED: 'warn',
  SUSPECT: 'warn',
  REGISTERED: 'calm',
  ATTESTING: 'live',
  BENCHMARKING: 'live',
  PASSED: 'good',
  SUSPENDED: 'bad',
  SETTLING: 'live',
  EXTENDED: 'warn',
  REJECTED: 'warn',
  REFUNDING: 'warn',
  CLOSED: 'calm',
  REFUND_PENDING: 'warn',
  CHARGED_BACK: 'bad',
  WITHDRAWN: 'warn',
  WAITING: 'warn',
  QUEUED: 'warn',
  DRAINING: 'warn',
  REFUNDED: 'warn',
  LAPSED: 'warn',
  NEEDS_ACTION: 'warn',
  METHOD_REQUIRED: 'warn',
  INSTRUCTIONS_ISSUED: 'warn',
  PARTIALLY_FUNDED: 'warn',
  ERRORED: 'bad',
  DROPPED: 'bad',
  REFUND_STUCK: 'bad',
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

/** `NEEDS_ACTION`, `node_lost`, `pledge.capture` → words. */
export const words = (code: string): string => {
  const text = code.replaceAll(/[_.]/g, ' ').toLowerCase();
  return text.charAt(0).toUpperCase() + text.slice(1);
};

/** `label` says it in other words than the code's own. */
export function State({ of, label }: { of: string; label?: string | undefined }) {
  return <span class={`state ${moods[of.toUpperCase()] ?? 'calm'}`}>{label ?? words(of)}</span>;
}

export const fundingModels: Record<string, string> = {
  KEEP_IT_ALL: 'Keep it all: charged at once, kept whatever the sum',
  ALL_OR_NOTHING: 'All or nothing: charged only after the deadline, and only kept if the goals are reached',
  TRANCHES: 'Tranches: charged at once, released share by share on evidence',
};

/** A funded campaign goes on taking pledges until its deadline or its training; an extended one until its second. */
export const takesPledges = (state: string): boolean =>
  state === 'LIVE' || state === 'SUCCEEDED' || state === 'EXTENDED';
