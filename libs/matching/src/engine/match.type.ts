/** Amounts are whole minor units of one currency unless a name says otherwise. */

/** How a project's gifts become its claim on the pool. See docs/matching.md for the formulas. */
export type MatchRule =
  | { readonly kind: 'linear'; readonly ratioMillionths: bigint }
  | { readonly kind: 'quadratic' }
  | { readonly kind: 'capital_constrained' }
  | {
      readonly kind: 'pairwise';
      /** What two people may co-fund everywhere before their pair counts half. */
      readonly boundMinor: bigint;
      /** `bounded` is M / (M + D); `reciprocal` is the variant of 2020, M / D, kept for comparison. */
      readonly form: 'bounded' | 'reciprocal';
      /** Whether a pair counts once, or once for each of its two people. */
      readonly pairs: 'twice' | 'once';
    }
  | { readonly kind: 'cluster' }
  | { readonly kind: 'squared_cluster' }
  | {
      readonly kind: 'connection_oriented';
      /** The amount that counts as one: the formula takes a root of some gifts and not of others. */
      readonly unitMinor: bigint;
      /**
       * `hard`: a connection is there or not. Else it has a strength from 0 to 1: `soft`, how likely a member of one's
       * groups is in the other group; `walk`, how likely a step to a member and on to one of his groups ends there.
       */
      readonly connection: 'hard' | 'soft' | 'walk';
      /** What a full connection leaves of a gift: its `root`, or nothing (`harsh`). */
      readonly discount?: 'root' | 'harsh';
    }
  /** Takes off a constant amount of what people of the same groups agree in; for comparison only. */
  | { readonly kind: 'offset' };
export type RuleKind = MatchRule['kind'];

/** What happens when the claims are smaller than the pool: pay them as they are, or scale them up to the pool. */
export type Unsaturated = 'raw' | 'scale_up';

export interface MatchGift {
  readonly donor: string;
  readonly project: string;
  readonly amountMinor: bigint;
  /** Names the gift for exclusions. */
  readonly id?: string;
}

export interface MatchExclusion {
  readonly kind: 'donor' | 'project' | 'gift';
  readonly id: string;
  readonly reason: string;
}

export interface MatchRound {
  readonly rule: MatchRule;
  readonly poolMinor: bigint;
  readonly unsaturated: Unsaturated;
  readonly projects: readonly { readonly id: string; readonly capMinor?: bigint }[];
  readonly gifts: readonly MatchGift[];
  /** The most that any project gets; a project's own cap goes before it. */
  readonly capPerProjectMinor?: bigint;
  /** The most that counts of what one donor gave one project. */
  readonly capPerDonorMinor?: bigint;
  /** A donor who gave less than this in the whole round doesn't count. */
  readonly minimumPerDonorMinor?: bigint;
  /** By donor, in millionths from 0 to 1,000,000; who is not named weighs `defaultWeightMillionths`. */
  readonly weightMillionths?: ReadonlyMap<string, bigint>;
  readonly defaultWeightMillionths?: bigint;
  /** Groups that donors belong to, by id; who is in none is a group of his own. */
  readonly groups?: ReadonlyMap<string, readonly string[]>;
  readonly exclusions?: readonly MatchExclusion[];
}

/** Amounts counted in millionths of a minor unit, so that identity weights lose nothing. */
export const MILLIONTHS = 1_000_000n;

/** A project's gifts as they count: one entry a donor. */
export interface CountedProject {
  readonly id: string;
  readonly capMinor: bigint | undefined;
  readonly donors: readonly number[];
  /** In millionths of a minor unit, in the order of `donors`. */
  readonly amounts: readonly bigint[];
  readonly giftCount: number;
  /** What was given, before caps and weights. */
  readonly givenMinor: bigint;
  readonly countedMillionths: bigint;
}

export interface Counted {
  /** In the order of their ids, by code unit. */
  readonly projects: readonly CountedProject[];
  readonly donorIds: readonly string[];
  readonly left: {
    readonly excludedGifts: number;
    readonly donorsBelowMinimum: number;
    readonly donorsOfNoWeight: number;
    readonly cappedGifts: number;
  };
}

export interface ProjectResult {
  readonly id: string;
  readonly giftCount: number;
  readonly donorCount: number;
  readonly givenMinor: bigint;
  readonly countedMillionths: bigint;
  /** Figures in 10^-12 minor units, rounded down. */
  readonly figure: bigint;
  readonly claim: bigint;
  readonly share: bigint;
  readonly isCapped: boolean;
  readonly capMinor: bigint | undefined;
  /** Whether it got one of the units that rounding down had left. */
  readonly roundedUp: boolean;
  readonly matchMinor: bigint;
}

export interface MatchOutcome {
  readonly projects: readonly ProjectResult[];
  readonly paidMinor: bigint;
  readonly leftMinor: bigint;
  /** The claims reach the pool. */
  readonly isSaturated: boolean;
  /** Decimal digits of the roots that decided the outcome. */
  readonly digits: number;
  readonly capRounds: number;
  readonly left: Counted['left'];
}

/** 10^12: figures are told in this part of a minor unit. */
export const FIGURE_SCALE = 10n ** 12n;
