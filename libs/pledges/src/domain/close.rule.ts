/** How often a failed charge is repeated where no close says so: every two days. */
const RETRY_EVERY_SECONDS = 172_800n;
/** Charges outside a close are tried so often; then the donor must act. */
export const TRIES_WITHOUT_CLOSE = 4;

/** When a charge that failed now is due again. */
export const retryAt = (now: Date, close: { readonly retryEverySeconds: bigint } | undefined): Date =>
  new Date(now.getTime() + Number(close?.retryEverySeconds ?? RETRY_EVERY_SECONDS) * 1000);

/** The phases of a close, in their order. */
export const CLOSE_PHASES = ['freezing', 'charging', 'last_try', 'dropping', 'finished'] as const;
export type ClosePhase = (typeof CLOSE_PHASES)[number];

/** What is left to do of a close at this moment. */
export interface CloseSituation {
  readonly phase: ClosePhase;
  /** The settlement window is over. */
  readonly isOver: boolean;
  /** Pledges that are not frozen yet. */
  readonly toFreeze: number;
  /** Frozen pledges that were not charged yet, and charges under way. */
  readonly toCharge: number;
  readonly underWay: number;
  /** Charges that failed or wait for their donor. */
  readonly unpaid: number;
}

/**
 * The phase after this one, or the same while there is something to wait for. A close goes on to its end early when
 * everything is paid. After the window each failed charge is tried once more, then dropped.
 */
export function nextPhase(s: CloseSituation): ClosePhase {
  switch (s.phase) {
    case 'freezing':
      return s.toFreeze > 0 ? 'freezing' : 'charging';
    case 'charging':
      if (s.toCharge > 0) return 'charging';
      if (s.underWay === 0 && s.unpaid === 0) return 'finished';
      return s.isOver ? 'last_try' : 'charging';
    case 'last_try':
      return s.toCharge + s.underWay > 0 ? 'last_try' : 'dropping';
    case 'dropping':
      return s.unpaid > 0 ? 'dropping' : 'finished';
    case 'finished':
      return 'finished';
  }
}
