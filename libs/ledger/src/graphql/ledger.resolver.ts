import { Args, Context, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { type Page, decodeCursor, pageOf, pageSize } from '#kernel';
import {
  AFTER_ARG,
  Access,
  type ConnectionShape,
  CursorKey,
  DateTimeScalar,
  FIRST_ARG,
  type GraphQLContext,
  UnitOfWork,
  toConnection,
} from '#platform';
import {
  type TransferRow,
  accountsBy,
  accountsPage,
  entriesPages,
  transfersPage,
  trialBalance,
} from '../store/book.queries.js';
import { sealHeads } from '../store/seal.store.js';
import {
  accountLoader,
  balanceAtLoader,
  entriesLoader,
  entryCursor,
  ENTRY_KEY,
  entryPlace,
  sealLoader,
  transferLoader,
} from './ledger.loaders.js';
import { toAccount, toSeal, toTransfer, toTrialBalanceLine } from './ledger.mapper.js';
import {
  LedgerAccount,
  LedgerAccountConnection,
  LedgerBalance,
  LedgerSeal,
  LedgerTransfer,
  LedgerTransferConnection,
  LedgerTrialBalanceLine,
} from './ledger.types.js';

/** The books are public and only read here: money and GPU time move by the commands of the rooms that own them. */
@Resolver(() => LedgerAccount)
export class LedgerAccountResolver {
  constructor(private readonly uow: UnitOfWork) {}

  @Access('public')
  @CursorKey(/^[A-Za-z0-9][A-Za-z0-9:_.-]{0,199}$/)
  @Query(() => LedgerAccountConnection, { description: 'Accounts of the public books in the order of their codes.' })
  async ledgerAccounts(
    @Args(FIRST_ARG) first?: number,
    @Args(AFTER_ARG) after?: string,
    @Args('prefix', {
      type: () => String,
      nullable: true,
      description: 'Only codes that begin so, for example "campaign:".',
    })
    prefix?: string,
    @Args('unit', { type: () => String, nullable: true, description: 'Only accounts of this unit.' }) unit?: string,
  ): Promise<ConnectionShape<LedgerAccount>> {
    const limit = pageSize(first);
    const filter = { prefix: prefix ?? undefined, unit: unit ?? undefined, after: decodeCursor(after) };
    const rows = await this.uow.read((tx) => accountsPage(tx, filter, limit + 1));
    return toConnection(
      pageOf(rows, limit, (row) => row.code),
      toAccount,
      after,
    );
  }

  @Access('public')
  @Query(() => LedgerAccount, { nullable: true, description: 'The account with this code.' })
  async ledgerAccount(
    @Args('code', { type: () => String, description: 'Code of the account.' }) code: string,
  ): Promise<LedgerAccount | null> {
    const [row] = await this.uow.read((tx) => accountsBy(tx, 'code', [code]));
    return row ? toAccount(row) : null;
  }

  @Access('public')
  @Query(() => [LedgerTrialBalanceLine], { description: 'The sums of all accounts by unit: each must balance.' })
  async ledgerTrialBalance(): Promise<LedgerTrialBalanceLine[]> {
    return this.uow.read(async (tx) => {
      const seals = new Map((await sealHeads(tx)).map((head) => [head.unit, toSeal(head)]));
      return (await trialBalance(tx)).map((row) => toTrialBalanceLine(row, seals.get(row.unit) ?? null));
    });
  }

  @CursorKey(ENTRY_KEY)
  @ResolveField(() => LedgerTransferConnection, { description: 'Transfers of the account, newest first.' })
  async transfers(
    @Parent() account: LedgerAccount,
    @Context() context: GraphQLContext,
    @Args(FIRST_ARG) first?: number,
    @Args(AFTER_ARG) after?: string,
  ): Promise<ConnectionShape<LedgerTransfer>> {
    const loader = entriesLoader(context, this.uow, pageSize(first), entryPlace(decodeCursor(after)));
    return toConnection(await loader.load(account.accountId), toTransfer, after);
  }

  @ResolveField(() => LedgerBalance, {
    description: 'The balance as it was at a moment. A moment in the last seconds may still change.',
  })
  balanceAt(
    @Parent() account: LedgerAccount,
    @Context() context: GraphQLContext,
    @Args('at', { type: () => DateTimeScalar, description: 'The moment, inclusive.' }) at: Date,
  ): Promise<LedgerBalance> {
    return balanceAtLoader(context, this.uow, at).load(account.code);
  }
}

@Resolver(() => LedgerTransfer)
export class LedgerTransferResolver {
  constructor(private readonly uow: UnitOfWork) {}

  @Access('public')
  @CursorKey(new RegExp(`^\\d{1,18}$|${ENTRY_KEY.source}`))
  @Query(() => LedgerTransferConnection, { description: 'Transfers, newest first; of one account when asked.' })
  async ledgerTransfers(
    @Args(FIRST_ARG) first?: number,
    @Args(AFTER_ARG) after?: string,
    @Args('accountCode', { type: () => String, nullable: true, description: 'Only transfers of this account.' })
    accountCode?: string,
  ): Promise<ConnectionShape<LedgerTransfer>> {
    const limit = pageSize(first);
    const page = await (accountCode ? this.ofAccount(accountCode, limit, after) : this.ofAll(limit, after));
    return toConnection(page, toTransfer, after);
  }

  @ResolveField(() => LedgerAccount, { description: 'The account that is debited.' })
  async debitAccount(@Parent() transfer: LedgerTransfer, @Context() context: GraphQLContext): Promise<LedgerAccount> {
    return toAccount(await accountLoader(context, this.uow).load(transfer.debitAccountId));
  }

  @ResolveField(() => LedgerAccount, { description: 'The account that is credited.' })
  async creditAccount(@Parent() transfer: LedgerTransfer, @Context() context: GraphQLContext): Promise<LedgerAccount> {
    return toAccount(await accountLoader(context, this.uow).load(transfer.creditAccountId));
  }

  @ResolveField(() => LedgerTransfer, {
    nullable: true,
    description: 'The pending transfer that this one resolves.',
  })
  async pending(
    @Parent() transfer: LedgerTransfer,
    @Context() context: GraphQLContext,
  ): Promise<LedgerTransfer | null> {
    if (transfer.pendingId === null) return null;
    return toTransfer(await transferLoader(context, this.uow).load(transfer.pendingId));
  }

  @ResolveField(() => LedgerSeal, {
    nullable: true,
    description: 'Its place in the sealed book of its unit; null in the first second or two.',
  })
  seal(@Parent() transfer: LedgerTransfer, @Context() context: GraphQLContext): Promise<LedgerSeal | null> {
    return sealLoader(context, this.uow).load(transfer.transferId);
  }

  private async ofAll(limit: number, after: string | undefined): Promise<Page<TransferRow>> {
    const [before] = /^\d{1,18}$/.exec(decodeCursor(after) ?? '') ?? [];
    const rows = await this.uow.read((tx) =>
      transfersPage(tx, before === undefined ? undefined : BigInt(before), limit + 1),
    );
    return pageOf(rows, limit, (row) => String(row.seq));
  }

  private async ofAccount(code: string, limit: number, after: string | undefined): Promise<Page<TransferRow>> {
    return this.uow.read(async (tx) => {
      const [account] = await accountsBy(tx, 'code', [code]);
      if (!account) return { nodes: [], cursors: [], hasNextPage: false };
      return pageOf(
        await entriesPages(tx, [account.id], entryPlace(decodeCursor(after)), limit + 1),
        limit,
        entryCursor,
      );
    });
  }
}
