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
import type { CardPayment } from '#payments';
import { CashPledgeCommands } from '../cash-pledge.commands.js';
import { ComputePledgeCommands } from '../compute-pledge.commands.js';
import { PledgeQueries } from '../pledge.queries.js';
import { toCashPledge, toComputePledge } from './pledge.mapper.js';
import {
  CashPledgeConnection,
  CashPledgePayload,
  ComputePledgeConnection,
  ComputePledgePayload,
  MyPledges,
  PledgeCashCreateInput,
  PledgeCashCreatePayload,
  PledgeComputeCreateInput,
  PledgePayment,
  PledgeRefundInput,
  PledgeStepInput,
} from './pledge.type.js';

type SignedIn = Viewer & { kind: 'contributor' };
const INPUT = (description: string) => ({ name: 'input', description });

@Resolver(() => MyPledges)
export class PledgeResolver {
  constructor(
    private readonly cash: CashPledgeCommands,
    private readonly compute: ComputePledgeCommands,
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
    if (isRefused(outcome)) return { pledge: null, payment: null, userErrors: toUserErrors(outcome) };
    const { pledge, payment } = outcome;
    return {
      pledge: toCashPledge(
        {
          ...pledge,
          amount: String(pledge.amountMinor),
          anonymous: pledge.isAnonymous,
          createdAt: pledge.createdAt.toISOString(),
          name: viewer.displayName,
        },
        true,
      ),
      payment: payment ? this.paymentOf(payment) : null,
      userErrors: [],
    };
  }

  @Access({ scope: 'pledge:write' })
  @Mutation(() => CashPledgePayload, {
    description: 'Asks for a captured pledge back: its backer, or a treasurer of the project.',
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
  @Mutation(() => ComputePledgePayload, { description: 'Offers GPU time to a campaign.' })
  async pledgeComputeCreate(
    @Args(INPUT('The offer.')) input: PledgeComputeCreateInput,
    @CurrentViewer() viewer: SignedIn,
  ): Promise<ComputePledgePayload> {
    const campaignId = fromGlobalId('Campaign', input.campaignId, ['input', 'campaignId']);
    const outcome = isRefused(campaignId)
      ? campaignId
      : await this.compute.create(viewer, campaignId, Object.assign({}, input, { gpuClass: input.class }));
    return this.computePayload(isRefused(outcome) ? outcome : outcome.id);
  }

  @Access({ scope: 'campaign:write', projectRoles: ['maintainer'] })
  @Mutation(() => ComputePledgePayload, { description: 'Accepts an offer of GPU time for the campaign.' })
  pledgeComputeAccept(@Args(INPUT('The pledge.')) input: PledgeStepInput, @CurrentViewer() viewer: SignedIn) {
    return this.computeStep(input, (id) => this.compute.accept(viewer, id));
  }

  @Access({ scope: 'campaign:write', projectRoles: ['maintainer'] })
  @Mutation(() => ComputePledgePayload, { description: 'Declines an offer of GPU time for the campaign.' })
  pledgeComputeDecline(@Args(INPUT('The pledge.')) input: PledgeStepInput, @CurrentViewer() viewer: SignedIn) {
    return this.computeStep(input, (id) => this.compute.decline(viewer, id));
  }

  @Access({ scope: 'pledge:write' })
  @Mutation(() => ComputePledgePayload, {
    description: "Takes back what wasn't delivered of one's own compute pledge.",
  })
  pledgeComputeWithdraw(@Args(INPUT('The pledge.')) input: PledgeStepInput, @CurrentViewer() viewer: SignedIn) {
    return this.computeStep(input, (id) => this.compute.withdraw(viewer, id));
  }

  private async computeStep(
    input: PledgeStepInput,
    act: (id: string) => Promise<Outcome<string>>,
  ): Promise<ComputePledgePayload> {
    const id = fromGlobalId('ComputePledge', input.pledgeId, ['input', 'pledgeId']);
    return this.computePayload(isRefused(id) ? id : await act(id));
  }

  private async cashPayload(viewer: SignedIn, outcome: Outcome<string>): Promise<CashPledgePayload> {
    if (isRefused(outcome)) return { pledge: null, userErrors: toUserErrors(outcome) };
    const row = await this.queries.cash(outcome);
    return { pledge: row ? toCashPledge(row, row.pseudonym === viewer.pseudonym) : null, userErrors: [] };
  }

  private async computePayload(outcome: Outcome<string>): Promise<ComputePledgePayload> {
    if (isRefused(outcome)) return { pledge: null, userErrors: toUserErrors(outcome) };
    const row = await this.queries.compute(outcome);
    return { pledge: row ? toComputePledge(row) : null, userErrors: [] };
  }

  private paymentOf(payment: CardPayment): PledgePayment {
    const { publishableKey, apiBase } = this.config.stripe;
    return {
      clientSecret: payment.clientSecret ?? null,
      publishableKey,
      apiBase: apiBase?.href ?? null,
      status: payment.status,
    };
  }
}
