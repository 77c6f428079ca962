import type { InvariantCheck } from '#platform';
import { transparencyInvariants } from '#transparency';

/** Every promise that can be checked on live data, of every room. */
export const INVARIANTS: readonly InvariantCheck[] = [...transparencyInvariants];
