import { type Outcome, isRefused, newId } from '#kernel';
import { type LedgerCode, refuseTransfer } from '../domain/refusal.catalogue.js';
import { type Transfer, type TransferSpec, checkShape, requestHash } from '../domain/transfer.rules.js';

/** Runs one SQL statement and gives its rows. */
export type Query = <R>(sql: string, params: readonly unknown[]) => Promise<R[]>;

const KIND_NUMBER = { posted: 1, pending: 2, post_pending: 3, void_pending: 4 } as const;

interface AnswerRow {
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

/** Gives each distinct text a position, counted from 1 as PostgreSQL counts array elements. */
class Positions {
  private readonly byText = new Map<string, number>();
  readonly texts: string[] = [];

  of(text: string | undefined): number {
    if (text === undefined) return 0;
    let position = this.byText.get(text);
    if (position === undefined) {
      position = this.texts.push(text);
      this.byText.set(text, position);
    }
    return position;
  }
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
  const rows: { chain: number; index: number; spec: TransferSpec }[] = [];
  for (const [chain, specs] of chains.entries()) {
    if (outcomes[chain] === undefined) specs.forEach((spec, index) => rows.push({ chain, index, spec }));
  }
  if (rows.length === 0) return outcomes as Outcome<Transfer[]>[];

  const answers = await callPost(query, now, rows);
  const transfers = new Map<number, Transfer[]>();
  for (const answer of answers) {
    const row = rows[answer.row_no - 1];
    if (!row) throw new Error(`The ledger answered row ${answer.row_no} of ${rows.length}.`);
    const { chain, index, spec } = row;
    if (answer.code !== null) {
      outcomes[chain] = refuseTransfer(answer.code, {
        index,
        key: spec.key,
        ...(answer.subject === null ? {} : { subject: answer.subject }),
        ...(answer.figure === null ? {} : { figure: answer.figure }),
      });
      continue;
    }
    const posted = transfers.get(chain) ?? [];
    posted.push(toTransfer(spec, answer));
    transfers.set(chain, posted);
  }
  return chains.map((specs, chain) => {
    const outcome = outcomes[chain];
    if (outcome !== undefined) return outcome;
    const posted = transfers.get(chain) ?? [];
    if (posted.length !== specs.length) throw new Error(`The ledger answered ${posted.length} of ${specs.length}.`);
    return posted;
  });
}

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

/**
 * The text of an array of values without commas, braces, quotes or spaces: numbers, ids, moments. The driver would look
 * for these in each element, which was most of its work for a batch.
 */
export const plainArray = (values: readonly (string | number | bigint)[]): string => `{${values.join(',')}}`;

const flagsOf = ({ balancing, closes, burn }: TransferSpec): number =>
  (balancing === undefined ? 0 : balancing === 'debit' ? 1 : 2) +
  (closes === undefined ? 0 : closes === 'debit' ? 4 : 8) +
  (burn === true ? 16 : 0);

const POST = `SELECT * FROM ledger_post($1::timestamptz, $2::text[], $3::text[], $4::integer[], $5::uuid[], $6::integer[],
  $7::bytea[], $8::smallint[], $9::integer[], $10::integer[], $11::bigint[], $12::integer[], $13::timestamptz[],
  $14::text[], $15::text[], $16::smallint[])`;

async function callPost(
  query: Query,
  now: Date,
  rows: readonly { chain: number; spec: TransferSpec }[],
): Promise<AnswerRow[]> {
  const codes = new Positions();
  const keys = new Positions();
  const columns = {
    chain: [] as number[],
    id: [] as string[],
    key: [] as number[],
    hash: [] as string[],
    kind: [] as number[],
    debit: [] as number[],
    credit: [] as number[],
    amount: [] as string[],
    pending: [] as number[],
    expires: [] as string[],
    reason: [] as string[],
    refs: [] as string[],
    flags: [] as number[],
  };
  for (const { chain, spec } of rows) {
    columns.chain.push(chain);
    columns.id.push(newId());
    columns.key.push(keys.of(spec.key));
    // A backslash stands for itself only when doubled, in the text of an array.
    columns.hash.push(`\\\\x${requestHash(spec)}`);
    columns.kind.push(KIND_NUMBER[spec.kind]);
    columns.debit.push(codes.of(spec.debit));
    columns.credit.push(codes.of(spec.credit));
    columns.amount.push(String(spec.amount ?? 0n));
    columns.pending.push(keys.of(spec.pendingKey));
    columns.expires.push(spec.expiresAt?.toISOString() ?? 'infinity');
    columns.reason.push(spec.reason);
    columns.flags.push(flagsOf(spec));
    columns.refs.push(spec.refs === undefined ? '{}' : JSON.stringify(spec.refs));
  }
  try {
    return await query<AnswerRow>(POST, [
      now,
      codes.texts,
      keys.texts,
      plainArray(columns.chain),
      plainArray(columns.id),
      plainArray(columns.key),
      plainArray(columns.hash),
      plainArray(columns.kind),
      plainArray(columns.debit),
      plainArray(columns.credit),
      plainArray(columns.amount),
      plainArray(columns.pending),
      plainArray(columns.expires),
      columns.reason,
      columns.refs,
      plainArray(columns.flags),
    ]);
  } catch (error) {
    throw asRetryable(error);
  }
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
