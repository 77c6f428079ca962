import type { DomainEventInput } from '#platform';
import type { RoundRow } from './store/round.store.js';

export const roundEvent = (
  type: string,
  round: Pick<RoundRow, 'id' | 'poolId'>,
  payload: object,
): DomainEventInput => ({
  type,
  aggregateType: 'match_round',
  aggregateId: round.id,
  isPublic: true,
  payload: { roundId: round.id, poolId: round.poolId, ...payload },
});
