import type { InvariantCheck } from '#platform';

/*
 * Invariant 7: no contributor's personal data is in the log or the ledger. Looks at what all rooms have written, so it
 * belongs to none of them.
 *
 * Names that people give to nodes, data sets, recipes, projects and campaigns, and the reasons that organisers state,
 * are published by those who chose them: they may read as they like.
 */
const SHOWN = 20;
/** Fields that nothing public has a use for. A network address or a card's owner would stand under one of these. */
const PERSONAL =
  '(e_?mail|email_?address|receipt_?email|display_?name|full_?name|first_?name|last_?name|billing_?details|billing|shipping|phone|address|ip_?address|line1|line2|postal_?code|city|card_?holder|customer_details|last4|fingerprint)';
const FIELD = `"${PERSONAL}" ?:`;
const EMAIL = String.raw`[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}`;
const PSEUDONYM = '^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|anonymous)$';
const SELF_CHOSEN = ['name', 'title', 'summary', 'licence', 'source', 'reason'];
/** Fields that say who; they hold pseudonyms. */
const WHO = ['contributor', 'owner', 'donor', 'backer'];

/** Rows of documents (id, doc jsonb) that name a person, by field, by e-mail address, by who, or by a whole name. */
const namesSomebody = (documents: string): string => `
  SELECT d.id FROM (${documents}) AS d
   CROSS JOIN LATERAL (SELECT d.doc - $1::text[] AS given) AS g
   WHERE d.doc::text ~* $2 OR g.given::text ~ $3
      OR EXISTS (SELECT 1 FROM unnest($4::text[]) AS who, jsonb_path_query(d.doc, ('strict $.**."' || who || '"')::jsonpath, silent => true) AS v
                  WHERE jsonb_typeof(v) = 'string' AND v #>> '{}' !~ $5)
  UNION
  -- Apart, so that the names are hashed once and not compared one by one with every field of every document.
  SELECT d.id FROM (${documents}) AS d
   CROSS JOIN LATERAL jsonb_each(d.doc - $1::text[]) AS f
    JOIN contributor c ON c.display_name = f.value #>> '{}'
   WHERE c.kind = 'person' AND c.display_name LIKE '% %' AND jsonb_typeof(f.value) = 'string'
   LIMIT ${SHOWN}`;

const PLACES: readonly { readonly what: string; readonly documents: string }[] = [
  { what: 'public event', documents: 'SELECT id::text, payload AS doc FROM event_outbox WHERE is_public' },
  {
    what: 'leaf of the log',
    documents: `SELECT index::text AS id, coalesce(convert_from(data, 'UTF8')::jsonb -> 'payload', '{}') AS doc FROM log_leaf`,
  },
  { what: 'transfer', documents: 'SELECT id::text, refs AS doc FROM ledger_transfer' },
  { what: 'event of Stripe', documents: 'SELECT id, payload AS doc FROM stripe_event' },
];

export const noPersonalData: InvariantCheck = {
  name: 'platform.no-personal-data',
  invariant: 7,
  description: "No contributor's name, e-mail address or billing detail is in the log, the ledger or the inbox.",
  async run(tx) {
    const violations: string[] = [];
    for (const { what, documents } of PLACES) {
      const rows = await tx.query<{ id: string }>(namesSomebody(documents), [
        SELF_CHOSEN,
        FIELD,
        EMAIL,
        WHO,
        PSEUDONYM,
      ]);
      // The id alone: the audit is printed, and must not repeat what it complains of.
      violations.push(...rows.map(({ id }) => `${what} ${id} names a person`));
    }
    return { ok: violations.length === 0, violations };
  },
};
