export { type Clock, systemClock } from './clock.js';
export { newId, isUuid } from './ids.js';
export { type Outcome, type Refusal, Refused, isRefused, refuse } from './refusal.js';
export { MAX_MINOR_UNITS, parseMinorUnits, formatMinorUnits, largestRemainder, allot } from './amount.js';
export { currencyScale } from './currency.js';
export { type Page, type PageArgs, decodeCursor, encodeCursor, pageOf, pageSize } from './page.js';
export { type Json, canonicalJson } from './json.js';
