import { Args, Mutation, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { type Outcome, isRefused } from '#kernel';
import {
  AFTER_ARG,
  Access,
  Config,
  CurrentViewer,
  FIRST_ARG,
  type Viewer,
  fromGlobalId,
  toConnection,
  toUserErrors,
} from '#platform';
import { CashPledgeCommands } from '../cash-pledge.commands.js';
import type { CreatedCashPledge } from '../pledge.paying.js';
import { PledgeQueries } from '../pledge.queries.js';
import {
  CashPledgePayload,
  PledgeCashCreateInput,
  PledgeCashCreatePayload,
  PledgeNameSetInput,
  PledgeRefundInput,
  PledgeStepInput,
} from './pledge.input.js';
import { toCashPledge, toComputePledge, toPledgePayment, toTransfer } from './pledge.mapper.js';
import { CashPledgeConnection, ComputePledgeConnection, MyPledges } from './pledge.type.js';

type SignedIn = Viewer & { kind: 'contributor' };
const INPUT = (description: string) => ({ name: 'input', description });

@Resolver(() => MyPledges)
export class PledgeResolver {
  constructor(
    private readonly cash: CashPledgeCommands,
    private readonly queries: PledgeQueries,
    private readonly config: Config,
  ) {}

  @Access('signedIn')
  @Query(() => MyPledges, { name: 'myPledges', description: "The viewer's own pledges." })
  myPledges(@CurrentViewer() viewer: SignedIn): MyPledges {
    return { contributorId: viewer.contributorId };
  }

  @ResolveField(() => CashPledgeConnection, { name: 'cash', description: 'Cash pledges, newest first.' })
  async cashPledges(@Parent() mine: MyPledges, @Args(FIRST_ARG) first?: number, @Args(AFTER_ARG) after?: string) {
    const page = await this.queries.cashOf('contributor_id', mine.contributorId, { first, after });
    return toConnection(page, (row) => toCashPledge(row, true), after);
  }

  @ResolveField(() => ComputePledgeConnection, { name: 'compute', description: 'Compute pledges, newest first.' })
  async computePledges(@Parent() mine: MyPledges, @Args(FIRST_ARG) first?: number, @Args(AFTER_ARG) after?: string) {
    const page = await this.queries.computeOf('contributor_id', mine.contributorId, { first, after });
    return toConnection(page, toComputePledge, after);
  }

  @Access({ scope: 'pledge:write' })
  @Mutation(() => PledgeCashCreatePayload, { description: 'Promises money by card and begins the payment.' })
  async pledgeCashCreate(
    @Args(INPUT('The pledge.')) input: PledgeCashCreateInput,
    @CurrentViewer() viewer: SignedIn,
  ): Promise<PledgeCashCreatePayload> {
    const campaignId = fromGlobalId('Campaign', input.campaignId, ['input', 'campaignId']);
    const outcome = isRefused(campaignId)
      ? campaignId
      : await this.cash.create(viewer, Object.assign({}, input, { campaignId }));
    return this.nextPayload(viewer, outcome);
  }

  @Access({ scope: 'pledge:write' })
  @Mutation(() => PledgeCashCreatePayload, {
    description: 'Pays a pledge of one’s own oneself: because the bank asks, or with another card.',
  })
  async pledgePayNow(@Args(INPUT('The pledge.')) input: PledgeStepInput, @CurrentViewer() viewer: SignedIn) {
    const id = fromGlobalId('CashPledge', input.pledgeId, ['input', 'pledgeId']);
    return this.nextPayload(viewer, isRefused(id) ? id : await this.cash.payNow(viewer, id));
  }

  @Access({ scope: 'pledge:write' })
  @Mutation(() => PledgeCashCreatePayload, {
    description: 'Saves another card or account for a pledge of one’s own that waits to be charged.',
  })
  async pledgeMethodChange(@Args(INPUT('The pledge.')) input: PledgeStepInput, @CurrentViewer() viewer: SignedIn) {
    const id = fromGlobalId('CashPledge', input.pledgeId, ['input', 'pledgeId']);
    return this.nextPayload(viewer, isRefused(id) ? id : await this.cash.changeMethod(viewer, id));
  }

  @Access({ scope: 'pledge:write' })
  @Mutation(() => CashPledgePayload, {
    description: 'Asks for a collected pledge back: its backer, or a treasurer of the project.',
  })
  async pledgeRefund(@Args(INPUT('The pledge and why.')) input: PledgeRefundInput, @CurrentViewer() viewer: SignedIn) {
    const id = fromGlobalId('CashPledge', input.pledgeId, ['input', 'pledgeId']);
    const reason = input.reason?.trim() || 'asked for by the backer';
    return this.cashPayload(viewer, isRefused(id) ? id : await this.cash.refund(viewer, id, reason));
  }

  @Access({ scope: 'pledge:write' })
  @Mutation(() => CashPledgePayload, { description: 'Gives up an unpaid pledge of one’s own.' })
  async pledgeCancel(@Args(INPUT('The pledge.')) input: PledgeStepInput, @CurrentViewer() viewer: SignedIn) {
    const id = fromGlobalId('CashPledge', input.pledgeId, ['input', 'pledgeId']);
    return this.cashPayload(viewer, isRefused(id) ? id : await this.cash.cancel(viewer, id));
  }

  @Access({ scope: 'pledge:write' })
  @Mutation(() => CashPledgePayload, {
    description:
      'Sets how a pledge of one’s own is named on pages. The public log keeps what it said when the pledge was made.',
  })
  async pledgeNameSet(
    @Args(INPUT('The pledge and its name.')) input: PledgeNameSetInput,
    @CurrentViewer() viewer: SignedIn,
  ) {
    const id = fromGlobalId('CashPledge', input.pledgeId, ['input', 'pledgeId']);
    return this.cashPayload(viewer, isRefused(id) ? id : await this.cash.setName(viewer, id, input));
  }

  private async cashPayload(viewer: SignedIn, outcome: Outcome<string>): Promise<CashPledgePayload> {
    if (isRefused(outcome)) return { pledge: null, userErrors: toUserErrors(outcome) };
    const row = await this.queries.cash(outcome);
    return { pledge: row ? toCashPledge(row, row.pseudonym === viewer.pseudonym) : null, userErrors: [] };
  }

  private nextPayload(viewer: SignedIn, outcome: Outcome<CreatedCashPledge>): PledgeCashCreatePayload {
    if (isRefused(outcome)) return { pledge: null, payment: null, transfer: null, userErrors: toUserErrors(outcome) };
    const { pledge, campaign, payment, transfer } = outcome;
    return {
      pledge: toCashPledge(
        {
          ...pledge,
          amount: String(pledge.amountMinor),
          collected: String(pledge.collectedMinor),
          counted: String(pledge.countedMinor),
          countedCurrency: campaign.currency,
          chargedAtClose: pledge.isDeferred,
          anonymous: pledge.isAnonymous,
          createdAt: pledge.createdAt.toISOString(),
          nextAt: (pledge.nextAttemptAt ?? pledge.expiresAt)?.toISOString() ?? null,
          name: pledge.displayName ?? viewer.displayName,
        },
        true,
      ),
      payment: payment ? toPledgePayment(payment, payment.savesMethod, this.config) : null,
      transfer: transfer ? toTransfer(transfer) : null,
      userErrors: [],
    };
  }
}
