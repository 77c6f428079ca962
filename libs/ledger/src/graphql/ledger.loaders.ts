import DataLoader from 'dataloader';
import { type Page, pageOf } from '#kernel';
import type { GraphQLContext, UnitOfWork } from '#platform';
import { sealsOf } from '../store/seal.store.js';
import { toSeal } from './ledger.mapper.js';
import type { LedgerSeal } from './ledger.types.js';
import { type Balance, readBalancesAt } from '../store/balance.store.js';
import {
  type AccountRow,
  type EntryPlace,
  type EntryRow,
  type TransferRow,
  accountsBy,
  entriesPages,
  transfersById,
} from '../store/book.queries.js';

/** The loader of this request under a name, made on first use. */
function once<T>(context: GraphQLContext, name: string, make: () => T): T {
  const known = context.loaders.get(name) as T | undefined;
  if (known !== undefined) return known;
  const made = make();
  context.loaders.set(name, made);
  return made;
}

const inOrder = <Row extends { id: string }>(ids: readonly string[], rows: readonly Row[]) => {
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => byId.get(id) ?? new Error(`The ledger has no row ${id}.`));
};

export const accountLoader = (context: GraphQLContext, uow: UnitOfWork): DataLoader<string, AccountRow> =>
  once(context, 'ledger.account', () => {
    return new DataLoader(async (ids: readonly string[]) =>
      inOrder(ids, await uow.read((tx) => accountsBy(tx, 'id', ids))),
    );
  });

export const transferLoader = (context: GraphQLContext, uow: UnitOfWork): DataLoader<string, TransferRow> =>
  once(context, 'ledger.transfer', () => {
    return new DataLoader(async (ids: readonly string[]) =>
      inOrder(ids, await uow.read((tx) => transfersById(tx, ids))),
    );
  });

export const sealLoader = (context: GraphQLContext, uow: UnitOfWork): DataLoader<string, LedgerSeal | null> =>
  once(context, 'ledger.seal', () => {
    return new DataLoader(async (ids: readonly string[]) => {
      const seals = new Map((await uow.read((tx) => sealsOf(tx, ids))).map((row) => [row.transferId, toSeal(row)]));
      return ids.map((id) => seals.get(id) ?? null);
    });
  });

/** Cursor of an entry: when it was recorded and its number in the account. */
export const entryCursor = (row: EntryRow): string => `${row.recorded_at.toISOString()}|${String(row.version)}`;

/** What the key of a cursor among an account's entries looks like. */
export const ENTRY_KEY = /^(\d{4}-[0-9TZ:.-]+)\|(\d{1,19})$/;

export function entryPlace(cursor: string | undefined): EntryPlace | undefined {
  const [, at, version] = ENTRY_KEY.exec(cursor ?? '') ?? [];
  if (at === undefined || version === undefined) return undefined;
  const recordedAt = new Date(at);
  return Number.isNaN(recordedAt.getTime()) ? undefined : { recordedAt, version: BigInt(version) };
}

/** Pages of the entries of accounts; all accounts of a request that ask for the same page share one statement. */
export const entriesLoader = (
  context: GraphQLContext,
  uow: UnitOfWork,
  limit: number,
  before: EntryPlace | undefined,
): DataLoader<string, Page<EntryRow>> =>
  once(context, `ledger.entries ${limit} ${before?.recordedAt.toISOString()} ${before?.version}`, () => {
    return new DataLoader(async (ids: readonly string[]) => {
      const rows = await uow.read((tx) => entriesPages(tx, ids, before, limit + 1));
      const byAccount = new Map<string, EntryRow[]>(ids.map((id) => [id, []]));
      for (const row of rows) byAccount.get(row.account_id)?.push(row);
      return ids.map((id) => pageOf(byAccount.get(id) ?? [], limit, entryCursor));
    });
  });

export const balanceAtLoader = (context: GraphQLContext, uow: UnitOfWork, at: Date): DataLoader<string, Balance> =>
  once(context, `ledger.balanceAt ${at.toISOString()}`, () => {
    return new DataLoader(async (codes: readonly string[]) => {
      const balances = await uow.read((tx) => readBalancesAt(tx, codes, at));
      return codes.map((code) => balances.get(code) ?? new Error(`The ledger has no account ${code}.`));
    });
  });
