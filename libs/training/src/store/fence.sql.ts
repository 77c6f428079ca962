/**
 * The fence: the one condition under which a worker may write. It stands in the same statement as the write, so that a
 * process that was paused for longer than its lease can't slip in between a check and an act. `FOR SHARE` keeps the
 * lease from ending until the write is committed.
 *
 * Gives the columns lease_id, run_id, attempt_id, rank; no row when the lease is not the node's, its token is not the
 * current one, it is not active, or its time is over by the platform's clock.
 */
export const liveLeaseSql = (p: { lease: string; node: string; token: string; now: string }): string => `
  SELECT l.id AS lease_id, l.run_id, l.attempt_id, l.rank
    FROM lease l
   WHERE l.id = ${p.lease} AND l.node_id = ${p.node} AND l.token = ${p.token}
     AND l.state = 'active' AND l.expires_at > ${p.now}
     FOR SHARE`;
