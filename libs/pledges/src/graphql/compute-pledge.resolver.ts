import { Args, Mutation, Resolver } from '@nestjs/graphql';
import { type Outcome, isRefused } from '#kernel';
import { Access, CurrentViewer, type Viewer, fromGlobalId, toUserErrors } from '#platform';
import { ComputePledgeCommands } from '../compute-pledge.commands.js';
import { PledgeQueries } from '../pledge.queries.js';
import { PledgeStepInput } from './pledge.input.js';
import { toComputePledge } from './pledge.mapper.js';
import { ComputePledgePayload, PledgeComputeCreateInput } from './pledge.type.js';

type SignedIn = Viewer & { kind: 'contributor' };
const INPUT = (description: string) => ({ name: 'input', description });

@Resolver()
export class ComputePledgeResolver {
  constructor(
    private readonly compute: ComputePledgeCommands,
    private readonly queries: PledgeQueries,
  ) {}

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

  private async computePayload(outcome: Outcome<string>): Promise<ComputePledgePayload> {
    if (isRefused(outcome)) return { pledge: null, userErrors: toUserErrors(outcome) };
    const row = await this.queries.compute(outcome);
    return { pledge: row ? toComputePledge(row) : null, userErrors: [] };
  }
}
