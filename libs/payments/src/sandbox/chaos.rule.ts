/**
 * How unkind the deliveries are. What happens to an event follows from the seed and the event's place in the sequence
 * of all events, and from nothing else: the same calls with the same seed are disturbed in the same way.
 */
export interface Chaos {
  /** How often each event is delivered, in all. */
  duplicates: number;
  /** How many more events are held back until a later one has arrived. */
  outOfOrder: number;
  /** Each delivery is delayed by up to this much, at random: a shuffle by time. */
  shuffleMs: number;
  /** Each delivery waits for up to this many later events, at random: a shuffle by number, to any order. */
  shuffleWindow: number;
  /** Share of events, 0 to 1, that come late. */
  late: number;
  /** How late at most, in the sandbox's time, ms. */
  lateMs: number;
  /** Share of events, 0 to 1, that are never delivered (they stay readable through the events API). */
  lose: number;
  /** Share of events, 0 to 1, that are delivered before the call that causes them is answered. */
  early: number;
  /** Nothing is delivered while this is set. */
  paused: boolean;
  /** What the decisions follow from. */
  seed: string;
}

export const LATE_MS_MAX = 30 * 86_400_000;

export const CALM: Chaos = {
  duplicates: 1,
  outOfOrder: 0,
  shuffleMs: 0,
  shuffleWindow: 0,
  late: 0,
  lateMs: LATE_MS_MAX,
  lose: 0,
  early: 0,
  paused: false,
  seed: '',
};

export interface PlannedDelivery {
  /** After the event, ms of the sandbox's time. */
  readonly delayMs: number;
  /** How many later events it waits for. */
  readonly overtakenBy: number;
}

export type DeliveryPlan =
  | { readonly kind: 'lost' }
  | { readonly kind: 'delivered'; readonly early: boolean; readonly copies: readonly PlannedDelivery[] };

/** What becomes of the `ordinal`-th event. An early event's first copy goes at once, whatever else is asked. */
export function planDeliveries(chaos: Chaos, ordinal: number): DeliveryPlan {
  const draw = drawsOf(`${chaos.seed}:${ordinal}`);
  const [loses, comesEarly, comesLate] = [draw(), draw(), draw()];
  if (loses < chaos.lose) return { kind: 'lost' };
  const early = comesEarly < chaos.early;
  const late = !early && comesLate < chaos.late;
  const copies = Array.from({ length: chaos.duplicates }, (_, copy): PlannedDelivery => {
    const [byTime, byNumber, byDays] = [draw(), draw(), draw()];
    if (early && copy === 0) return { delayMs: 0, overtakenBy: 0 };
    return {
      delayMs: Math.floor(byTime * chaos.shuffleMs) + (late ? Math.floor(byDays * chaos.lateMs) : 0),
      overtakenBy: Math.floor(byNumber * (chaos.shuffleWindow + 1)),
    };
  });
  return { kind: 'delivered', early, copies };
}

/** Numbers in [0, 1) from a text: FNV-1a into a 32-bit mixer. Quick rather than strong: there may be a million events. */
function drawsOf(text: string): () => number {
  let state = 2_166_136_261;
  for (let at = 0; at < text.length; at += 1) state = Math.imul(state ^ text.charCodeAt(at), 16_777_619);
  return () => {
    state = (state + 0x9e37_79b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0_aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a_2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}
