/** The only source of the current time outside the database. Tests and simulations pass their own. */
export interface Clock {
  now(): Date;
}

export const systemClock: Clock = { now: () => new Date() };
