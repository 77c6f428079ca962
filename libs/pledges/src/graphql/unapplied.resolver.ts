import { Args, Field, ID, InputType, Mutation, ObjectType, Query, Resolver } from '@nestjs/graphql';
import { isRefused } from '#kernel';
import { Access, CurrentViewer, Money, UserError, type Viewer, askedId, fromGlobalId, toUserErrors } from '#platform';
import { PledgeQueries } from '../pledge.queries.js';
import { UnappliedCashCommands } from '../unapplied.commands.js';
import { CashPledgePayload, PledgeInvoice } from './pledge.input.js';
import { toCashPledge } from './pledge.mapper.js';

type SignedIn = Viewer & { kind: 'contributor' };

@InputType({ description: 'Unapplied cash that pays a pledge.' })
export class PledgeCashApplyInput {
  @Field(() => ID, { description: 'Global id of a pledge by bank transfer, of one’s own.' })
  pledgeId: string;
  @Field(() => String, { description: 'A key new for each; sending it again applies nothing more.' })
  idempotencyKey: string;
}

@InputType({ description: 'Unapplied cash that goes back.' })
export class UnappliedCashRefundInput {
  @Field(() => String, { description: 'ISO 4217 code; all of it goes back.' })
  currency: string;
}

@ObjectType({ description: 'Outcome of unappliedCashRefund.' })
export class UnappliedCashPayload {
  @Field(() => [Money], { nullable: true, description: 'What is unapplied now; null when refused.' })
  unapplied: Money[] | null;
  @Field(() => [UserError], { description: 'Why it was refused; empty on success.' })
  userErrors: UserError[];
}

/** Money of a donor that no pledge wanted, and the invoices that he asked for. */
@Resolver()
export class UnappliedCashResolver {
  constructor(
    private readonly cash: UnappliedCashCommands,
    private readonly queries: PledgeQueries,
  ) {}

  @Access('signedIn')
  @Query(() => [Money], { description: 'What the viewer’s bank sent and no pledge of his wanted, by currency.' })
  async myUnappliedCash(@CurrentViewer() viewer: SignedIn): Promise<Money[]> {
    return (await this.cash.of(viewer)).map((own) => Money.of(own.amountMinor, own.currency));
  }

  @Access('signedIn')
  @Query(() => PledgeInvoice, { nullable: true, description: 'The invoice of a pledge of the viewer’s own.' })
  async pledgeInvoice(
    @Args({ name: 'pledgeId', type: () => ID, description: 'Global id of the cash pledge.' }) pledgeId: string,
    @CurrentViewer() viewer: SignedIn,
  ): Promise<PledgeInvoice | null> {
    const row = await this.queries.invoiceData(askedId('CashPledge', pledgeId));
    if (!row || row.contributorId !== viewer.contributorId) return null;
    return {
      ...row,
      amount: Money.of(row.amountMinor, row.currency),
      paid: Money.of(row.collectedMinor, row.currency),
    };
  }

  @Access({ scope: 'pledge:write' })
  @Mutation(() => CashPledgePayload, { description: 'Pays a pledge by bank transfer with unapplied cash.' })
  async pledgeCashApply(
    @Args({ name: 'input', description: 'The pledge.' }) input: PledgeCashApplyInput,
    @CurrentViewer() viewer: SignedIn,
  ): Promise<CashPledgePayload> {
    const id = fromGlobalId('CashPledge', input.pledgeId, ['input', 'pledgeId']);
    const applied = isRefused(id) ? id : await this.cash.apply(viewer, id, input.idempotencyKey.slice(0, 100));
    if (isRefused(applied)) return { pledge: null, userErrors: toUserErrors(applied) };
    const row = await this.queries.cash(applied);
    return { pledge: row ? toCashPledge(row, true) : null, userErrors: [] };
  }

  @Access({ scope: 'pledge:write' })
  @Mutation(() => UnappliedCashPayload, { description: 'Sends unapplied cash back to the bank that it came from.' })
  async unappliedCashRefund(
    @Args({ name: 'input', description: 'Which.' }) input: UnappliedCashRefundInput,
    @CurrentViewer() viewer: SignedIn,
  ): Promise<UnappliedCashPayload> {
    const refunded = await this.cash.refund(viewer, input.currency);
    const unapplied = await this.myUnappliedCash(viewer);
    return { unapplied, userErrors: isRefused(refunded) ? toUserErrors(refunded) : [] };
  }
}
