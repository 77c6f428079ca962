import { Injectable } from '@nestjs/common';
import type { Outcome } from '#kernel';
import type { Tx } from '#platform';
import type { AccountSpec, Transfer, TransferSpec } from './domain/transfer.rules.js';
import { openAccounts } from './store/account.store.js';
import { type Balance, closedAmong, readBalances, readBalancesAt } from './store/balance.store.js';
import { type StoredTransfer, storedTransfers } from './store/transfer.store.js';
import { postChains } from './store/posting.statement.js';

/**
 * How value moves: accounts, transfers, balances. Every method works in the caller's transaction, so a state change and
 * its postings commit together or not at all.
 */
@Injectable()
export class Ledger {
  /**
   * Opens accounts; those that are open already stay as they are. Throws when a code is open with another unit or limit,
   * or the unit is unknown (`gpu_second:<class>` units come into being here).
   */
  async openAccounts(tx: Tx, specs: readonly AccountSpec[]): Promise<void> {
    await openAccounts(tx, specs);
  }

  /**
   * Posts one chain: all transfers or, when one is refused, none. A key used before with the same content gives the
   * stored transfer (`replayed`); with other content it is refused with `LEDGER_KEY_MISMATCH`. Locks the accounts until
   * the transaction ends: post late in it. After a refusal the caller may go on; the books are as before.
   */
  async post(tx: Tx, transfers: readonly TransferSpec[]): Promise<Outcome<Transfer[]>> {
    const [outcome] = await postChains((sql, params) => tx.query(sql, params), tx.now, [transfers]);
    if (outcome === undefined) throw new Error('The ledger gave no answer.');
    return outcome;
  }

  /** Posts several chains in order by one statement, each wholly or not at all, with an answer for each. */
  postChains(tx: Tx, chains: readonly (readonly TransferSpec[])[]): Promise<Outcome<Transfer[]>[]> {
    return postChains((sql, params) => tx.query(sql, params), tx.now, chains);
  }

  /**
   * The stored transfers under these keys, by key; unknown keys are missing. `state` says what became of a pending one
   * as of `tx.now`.
   */
  transfers(tx: Tx, keys: readonly string[]): Promise<Map<string, StoredTransfer>> {
    return storedTransfers(tx, keys);
  }

  /** The balance as of `tx.now`, with what has expired by then left out. Throws when there is no such account. */
  async balance(tx: Tx, code: string): Promise<Balance> {
    return only(code, await readBalances(tx, [code]));
  }

  /** Balances of those accounts that exist, by code. */
  balances(tx: Tx, codes: readonly string[]): Promise<Map<string, Balance>> {
    return readBalances(tx, codes);
  }

  /** Those of the accounts that are closed as of `tx.now`, by code. */
  closed(tx: Tx, codes: readonly string[]): Promise<Set<string>> {
    return closedAmong(tx, codes);
  }

  /**
   * The balance as it was at a moment: all that was recorded until then (inclusive), less what had expired. Throws when
   * there is no such account; before its first entry everything is zero. A moment in the last seconds may still change
   * until the transactions under way have ended.
   */
  async balanceAt(tx: Tx, code: string, at: Date): Promise<Balance> {
    return only(code, await readBalancesAt(tx, [code], at));
  }
}

function only(code: string, balances: ReadonlyMap<string, Balance>): Balance {
  const balance = balances.get(code);
  if (!balance) throw new Error(`There is no ledger account ${code}.`);
  return balance;
}
