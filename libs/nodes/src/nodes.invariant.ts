import type { InvariantCheck } from '#platform';

/** Part of invariant 4 of DESIGN.md: a lease is given to a node whose history is whole. */
const historyIsWhole: InvariantCheck = {
  name: 'nodes.history',
  invariant: 4,
  description:
    "Every node's history is an unbroken, hash-chained walk along allowed edges that ends in its present state.",
  async run(tx) {
    const broken = await tx.query<{ node_id: string; seq: number; what: string }>(
      `WITH walk AS (
         SELECT e.*, lag(e.hash, 1, ''::bytea) OVER w AS expected_previous, lag(e.to_state, 1, 'registered') OVER w AS expected_from,
                row_number() OVER w AS expected_seq, lead(e.seq) OVER w IS NULL AS is_last
           FROM node_event e WINDOW w AS (PARTITION BY e.node_id ORDER BY e.seq)
       )
       SELECT w.node_id, w.seq,
              CASE WHEN w.seq <> w.expected_seq THEN 'a row is missing before it'
                   WHEN w.from_state <> w.expected_from THEN 'it does not begin where the one before ended'
                   WHEN w.previous_hash <> w.expected_previous
                     OR w.hash <> node_event_digest(w.previous_hash, w.node_id, w.seq, w.from_state, w.to_state, w.actor, w.cause, w.at) THEN 'its hash does not fit'
                   ELSE 'the node is in another state than it says' END AS what
         FROM walk w JOIN node n ON n.id = w.node_id
        WHERE w.seq <> w.expected_seq OR w.from_state <> w.expected_from OR w.previous_hash <> w.expected_previous
           OR w.hash <> node_event_digest(w.previous_hash, w.node_id, w.seq, w.from_state, w.to_state, w.actor, w.cause, w.at)
           OR (w.is_last AND w.to_state <> n.state)
        ORDER BY w.node_id, w.seq LIMIT 20`,
    );
    const [count] = await tx.query<{ nodes: string; events: string }>(
      'SELECT (SELECT count(*) FROM node)::text AS nodes, (SELECT count(*) FROM node_event)::text AS events',
    );
    return {
      ok: broken.length === 0,
      violations: broken.map((row) => `node ${row.node_id}, event ${row.seq}: ${row.what}`),
      figures: { nodes: count?.nodes ?? '0', events: count?.events ?? '0' },
    };
  },
};

export const nodesInvariants: readonly InvariantCheck[] = [historyIsWhole];
