import type { CampaignRow } from '#campaigns';

/** Campaigns whose money may leave. A suspended one waits. */
const PAYING_STATES: readonly CampaignRow['state'][] = ['succeeded', 'training', 'completed'];

export const isPaying = (state: CampaignRow['state']): boolean => PAYING_STATES.includes(state);

/** Whether the safety window after the success is over. */
export const isSafe = (safetyEndsAt: Date | null, now: Date): boolean => safetyEndsAt !== null && safetyEndsAt <= now;
