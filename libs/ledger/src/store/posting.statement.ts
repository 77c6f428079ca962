import { type Outcome, isRefused } from '#kernel';
import { type PlainBatch, Positions, countPlain } from '../domain/plain-batch.rules.js';
import { type LedgerCode, refuseTransfer } from '../domain/refusal.catalogue.js';
import { type Transfer, type TransferSpec, checkShape, requestHash } from '../domain/transfer.rules.js';
import { bigints, hashes, integers, newIds, plainArray, texts } from './array-parameters.js';

/** Runs one SQL statement and gives its rows. */
export type Query = <R>(sql: string, params: readonly unknown[]) => Promise<R[]>;

const KIND_NUMBER = { posted: 1, pending: 2, post_pending: 3, void_pending: 4 } as const;

interface AnswerRow {
  /** Position of the transfer, from 1; 0: all of them were accepted as they were asked for. */
  row_no: number;
  status: number;
  code: LedgerCode | null;
  subject: string | null;
  figure: bigint | null;
  transfer_id: string;
  unit: string;
  debit: string;
  credit: string;
  amount: bigint;
  recorded_at: Date;
}

interface Row {
  readonly chain: number;
  /** Of the chain. */
  readonly index: number;
  readonly spec: TransferSpec;
}

/**
 * Posts chains in the given order by one statement and answers each. A refused chain leaves no trace and does not touch
 * its neighbours. `now` is when it happens, unless an account has a later entry.
 */
export async function postChains(
  query: Query,
  now: Date,
  chains: readonly (readonly TransferSpec[])[],
): Promise<Outcome<Transfer[]>[]> {
  const outcomes: (Outcome<Transfer[]> | undefined)[] = chains.map((chain) => {
    const shape = checkShape(chain);
    return isRefused(shape) ? shape : undefined;
  });
  const rows: Row[] = [];
  for (const [chain, specs] of chains.entries()) {
    if (outcomes[chain] === undefined) specs.forEach((spec, index) => rows.push({ chain, index, spec }));
  }
  if (rows.length === 0) return outcomes as Outcome<Transfer[]>[];

  const transfers = new Map<number, Transfer[]>();
  const accepted = (chain: number, transfer: Transfer): void => {
    const posted = transfers.get(chain);
    if (posted) posted.push(transfer);
    else transfers.set(chain, [transfer]);
  };
  const ids = newIds(rows.length);
  const plain = countPlain(rows.map((row) => row.spec));
  const answers = await ask(query, plain ? plainCall(now, rows, ids.array, plain) : generalCall(now, rows, ids.array));
  const [whole] = answers;
  if (plain && whole?.row_no === 0) {
    const units = whole.unit.split(' ');
    rows.forEach(({ chain, spec }, n) => {
      accepted(chain, asAsked(spec, ids.texts[n] ?? '', units[(plain.debit[n] ?? 0) - 1] ?? '', whole.recorded_at));
    });
  } else {
    for (const answer of answers) {
      const row = rows[answer.row_no - 1];
      if (!row) throw new Error(`The ledger answered row ${answer.row_no} of ${rows.length}.`);
      if (answer.code === null) accepted(row.chain, toTransfer(row.spec, answer));
      else outcomes[row.chain] = refused(row, answer.code, answer);
    }
  }
  return chains.map((specs, chain) => {
    const outcome = outcomes[chain];
    if (outcome !== undefined) return outcome;
    const posted = transfers.get(chain) ?? [];
    if (posted.length !== specs.length) throw new Error(`The ledger answered ${posted.length} of ${specs.length}.`);
    return posted;
  });
}

const refused = ({ index, spec }: Row, code: LedgerCode, { subject, figure }: AnswerRow): Outcome<Transfer[]> =>
  refuseTransfer(code, {
    index,
    key: spec.key,
    ...(subject === null ? {} : { subject }),
    ...(figure === null ? {} : { figure }),
  });

/** A plain transfer that was accepted: posted, with both accounts and its amount given. */
const asAsked = (spec: TransferSpec, id: string, unit: string, recordedAt: Date): Transfer => ({
  id,
  key: spec.key,
  kind: spec.kind,
  unit,
  debit: spec.debit ?? '',
  credit: spec.credit ?? '',
  amount: spec.amount ?? 0n,
  reason: spec.reason,
  refs: spec.refs ?? {},
  recordedAt,
  replayed: false,
});

const toTransfer = (spec: TransferSpec, answer: AnswerRow): Transfer => ({
  id: answer.transfer_id,
  key: spec.key,
  kind: spec.kind,
  unit: answer.unit,
  debit: answer.debit,
  credit: answer.credit,
  amount: answer.amount,
  ...(spec.pendingKey === undefined ? {} : { pendingKey: spec.pendingKey }),
  ...(spec.expiresAt === undefined ? {} : { expiresAt: spec.expiresAt }),
  ...(spec.closes === undefined ? {} : { closes: spec.closes }),
  reason: spec.reason,
  refs: spec.refs ?? {},
  recordedAt: answer.recorded_at,
  replayed: answer.status === 2,
});

interface Call {
  readonly sql: string;
  readonly params: readonly unknown[];
}

async function ask(query: Query, { sql, params }: Call): Promise<AnswerRow[]> {
  try {
    return await query<AnswerRow>(sql, params);
  } catch (error) {
    throw asRetryable(error);
  }
}

const refsText = ({ refs }: TransferSpec): string => (refs === undefined ? '{}' : JSON.stringify(refs));

const POST_PLAIN = `SELECT * FROM ledger_post_plain($1::timestamptz, $2::text[], $3::bigint[], $4::bigint[], $5::bigint[],
  $6::bigint[], $7::text[], $8::integer[], $9::uuid[], $10::bytea[], $11::integer[], $12::integer[], $13::bigint[],
  $14::text[], $15::integer[], $16::jsonb, $17::integer[], $18::bigint[], $19::bigint[], $20::integer[], $21::bigint[],
  $22::bigint[])`;

function plainCall(now: Date, rows: readonly Row[], ids: Buffer, batch: PlainBatch): Call {
  const { codes, movements, keys, debit, credit, atDebit, atCredit } = batch;
  const reasons = new Positions();
  const reason = rows.map(({ spec }) => reasons.of(spec.reason));
  return {
    sql: POST_PLAIN,
    params: [
      now,
      texts(codes),
      bigints(movements.map((m) => m.debits)),
      bigints(movements.map((m) => m.credits)),
      bigints(movements.map((m) => m.debitNeed)),
      bigints(movements.map((m) => m.creditNeed)),
      texts(keys),
      integers(rows.map(({ index }, n) => n + 1 - index)),
      ids,
      hashes(rows.map(({ spec }) => requestHash(spec))),
      integers(debit),
      integers(credit),
      bigints(rows.map(({ spec }) => spec.amount ?? 0n)),
      texts(reasons.texts),
      integers(reason),
      `[${rows.map(({ spec }) => refsText(spec)).join(',')}]`,
      integers(atDebit.entry),
      bigints(atDebit.debits),
      bigints(atDebit.credits),
      integers(atCredit.entry),
      bigints(atCredit.debits),
      bigints(atCredit.credits),
    ],
  };
}

const BALANCING = { debit: 1, credit: 2, both: 3 } as const;
const flagsOf = ({ balancing, closes, burn }: TransferSpec): number =>
  (balancing === undefined ? 0 : BALANCING[balancing]) +
  (closes === undefined ? 0 : closes === 'debit' ? 4 : 8) +
  (burn === true ? 16 : 0);

const POST = `SELECT * FROM ledger_post($1::timestamptz, $2::text[], $3::text[], $4::integer[], $5::uuid[], $6::integer[],
  $7::bytea[], $8::smallint[], $9::integer[], $10::integer[], $11::bigint[], $12::integer[], $13::timestamptz[],
  $14::text[], $15::text[], $16::smallint[])`;

function generalCall(now: Date, rows: readonly Row[], ids: Buffer): Call {
  const codes = new Positions();
  const keys = new Positions();
  const key = rows.map(({ spec }) => keys.of(spec.key));
  const debit = rows.map(({ spec }) => codes.of(spec.debit));
  const credit = rows.map(({ spec }) => codes.of(spec.credit));
  const pending = rows.map(({ spec }) => keys.of(spec.pendingKey));
  return {
    sql: POST,
    params: [
      now,
      texts(codes.texts),
      texts(keys.texts),
      integers(rows.map(({ chain }) => chain)),
      ids,
      integers(key),
      hashes(rows.map(({ spec }) => requestHash(spec))),
      plainArray(rows.map(({ spec }) => KIND_NUMBER[spec.kind])),
      integers(debit),
      integers(credit),
      bigints(rows.map(({ spec }) => spec.amount ?? 0n)),
      integers(pending),
      plainArray(rows.map(({ spec }) => spec.expiresAt?.toISOString() ?? 'infinity')),
      texts(rows.map(({ spec }) => spec.reason)),
      texts(rows.map(({ spec }) => refsText(spec))),
      plainArray(rows.map(({ spec }) => flagsOf(spec))),
    ],
  };
}

/**
 * Two transactions that use one key, or resolve one pending transfer, for different accounts don't meet at an account
 * lock but at the unique index. The loser tries again and then finds what the winner wrote.
 */
function asRetryable(error: unknown): unknown {
  const { code, constraint } = error as { code?: string; constraint?: string };
  const raced = code === '23505' && /^ledger_transfer_(key|pending_id)_uq$/.test(constraint ?? '');
  return raced
    ? Object.assign(new Error('A ledger key was used at the same moment.', { cause: error }), { code: '40001' })
    : error;
}
