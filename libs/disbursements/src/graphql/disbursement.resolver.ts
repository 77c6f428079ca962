import { Inject } from '@nestjs/common';
import { Args, Mutation, Parent, ResolveField, Resolver } from '@nestjs/graphql';
import { Campaign } from '#campaigns';
import { type Clock, type Outcome, isRefused } from '#kernel';
import {
  Access,
  CLOCK,
  Config,
  CurrentViewer,
  type Viewer,
  fromGlobalId,
  parseGlobalId,
  toUserErrors,
} from '#platform';
import { DisbursementQueries } from '../disbursement.queries.js';
import { EvidenceCommands } from '../evidence.commands.js';
import { TrancheCommands } from '../tranche.commands.js';
import { toDisbursement, toPayoutAccount } from './disbursement.mapper.js';
import {
  Disbursement,
  DisbursementEvidenceSubmitInput,
  DisbursementPayload,
  DisbursementReasonInput,
  DisbursementStepInput,
  DisbursementVoteInput,
  PayoutAccountConnectInput,
  PayoutAccountPayload,
  PayoutAccountRefreshInput,
} from './disbursement.type.js';

type SignedIn = Viewer & { kind: 'contributor' };
const INPUT = (description: string) => ({ name: 'input', description });

@Resolver(() => Campaign)
export class DisbursementResolver {
  constructor(
    private readonly queries: DisbursementQueries,
    private readonly evidence: EvidenceCommands,
    private readonly tranches: TrancheCommands,
    private readonly config: Config,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  @ResolveField(() => Disbursement, {
    nullable: true,
    description: 'How its money leaves it: escrow, reserve, tranches, payouts. Null before it has succeeded.',
  })
  disbursement(@Parent() campaign: Campaign, @CurrentViewer() viewer: Viewer): Promise<Disbursement | null> {
    return this.of(viewer, parseGlobalId(campaign.id)?.id ?? '');
  }

  @Access({ scope: 'campaign:write', projectRoles: ['maintainer', 'treasurer'] })
  @Mutation(() => DisbursementPayload, { description: 'Submits the evidence that a tranche’s terms ask for.' })
  async disbursementEvidenceSubmit(
    @Args(INPUT('The evidence.')) input: DisbursementEvidenceSubmitInput,
    @CurrentViewer() viewer: SignedIn,
  ): Promise<DisbursementPayload> {
    const checkpointId =
      input.checkpointId === undefined || input.checkpointId === null
        ? undefined
        : fromGlobalId('Checkpoint', input.checkpointId, ['input', 'checkpointId']);
    if (isRefused(checkpointId)) return refused(checkpointId);
    return this.take(viewer, input.trancheId, (trancheId) =>
      this.evidence.submit(viewer, Object.assign({}, input, { trancheId, checkpointId })),
    );
  }

  @Access({ scope: 'campaign:review', projectRoles: ['reviewer', 'treasurer'] })
  @Mutation(() => DisbursementPayload, {
    description: 'Approves a tranche’s evidence. Never by who submitted it, nor by who receives the money; each once.',
  })
  disbursementApprove(
    @Args(INPUT('The tranche and why.')) input: DisbursementReasonInput,
    @CurrentViewer() viewer: SignedIn,
  ) {
    return this.take(viewer, input.trancheId, (id) => this.evidence.approve(viewer, id, input.reason));
  }

  @Access({ scope: 'campaign:review', projectRoles: ['reviewer', 'treasurer'] })
  @Mutation(() => DisbursementPayload, { description: 'Sends a tranche back to wait for better evidence.' })
  disbursementReject(
    @Args(INPUT('The tranche and why.')) input: DisbursementReasonInput,
    @CurrentViewer() viewer: SignedIn,
  ) {
    return this.take(viewer, input.trancheId, (id) => this.evidence.reject(viewer, id, input.reason));
  }

  @Access({ scope: 'pledge:write' })
  @Mutation(() => DisbursementPayload, {
    description: 'Votes as a backer on a tranche whose evidence is voted on. It stands.',
  })
  disbursementVote(@Args(INPUT('The vote.')) input: DisbursementVoteInput, @CurrentViewer() viewer: SignedIn) {
    return this.take(viewer, input.trancheId, (id) => this.evidence.vote(viewer, id, input.inFavour));
  }

  @Access({ scope: 'campaign:review', platformRole: 'operator' })
  @Mutation(() => DisbursementPayload, { description: 'Stops an approved tranche before its money leaves.' })
  disbursementHold(
    @Args(INPUT('The tranche and why.')) input: DisbursementReasonInput,
    @CurrentViewer() viewer: SignedIn,
  ) {
    return this.take(viewer, input.trancheId, (id) => this.tranches.hold(viewer, id, input.reason));
  }

  @Access({ scope: 'campaign:review', platformRole: 'operator' })
  @Mutation(() => DisbursementPayload, { description: 'Lets a held tranche go on.' })
  disbursementHoldLift(
    @Args(INPUT('The tranche and why.')) input: DisbursementReasonInput,
    @CurrentViewer() viewer: SignedIn,
  ) {
    return this.take(viewer, input.trancheId, (id) => this.tranches.liftHold(viewer, id, input.reason));
  }

  @Access({ scope: 'campaign:review', platformRole: 'operator' })
  @Mutation(() => DisbursementPayload, {
    description: 'Gives a tranche up before its money leaves; the money stays for the backers.',
  })
  disbursementCancel(
    @Args(INPUT('The tranche and why.')) input: DisbursementReasonInput,
    @CurrentViewer() viewer: SignedIn,
  ) {
    return this.take(viewer, input.trancheId, (id) => this.tranches.cancel(viewer, id, input.reason));
  }

  @Access({ scope: 'campaign:write', projectRoles: ['treasurer'] })
  @Mutation(() => DisbursementPayload, { description: 'Tries a payout that failed again.' })
  disbursementRetry(@Args(INPUT('The tranche.')) input: DisbursementStepInput, @CurrentViewer() viewer: SignedIn) {
    return this.take(viewer, input.trancheId, (id) => this.tranches.retry(viewer, id));
  }

  @Access({ scope: 'project:write', projectRoles: ['treasurer'] })
  @Mutation(() => PayoutAccountPayload, {
    description:
      'Connects the account that a project is paid out to, or goes on with it. Whoever connects it approves no payout.',
  })
  async payoutAccountConnect(
    @Args(INPUT('The account.')) input: PayoutAccountConnectInput,
    @CurrentViewer() viewer: SignedIn,
  ): Promise<PayoutAccountPayload> {
    const campaignId = fromGlobalId('Campaign', input.campaignId, ['input', 'campaignId']);
    if (isRefused(campaignId)) return noAccount(campaignId);
    const link = await this.tranches.connect(viewer, { campaignId, country: input.country });
    if (isRefused(link)) return noAccount(link);
    const account = await this.queries.account(link.projectId);
    return { payoutAccount: account ? toPayoutAccount(account) : null, onboardingUrl: link.url, userErrors: [] };
  }

  @Access({ scope: 'project:write', projectRoles: ['treasurer'] })
  @Mutation(() => PayoutAccountPayload, { description: 'Asks the payment processor how the payout account stands.' })
  async payoutAccountRefresh(
    @Args(INPUT('The campaign.')) input: PayoutAccountRefreshInput,
    @CurrentViewer() viewer: SignedIn,
  ): Promise<PayoutAccountPayload> {
    const campaignId = fromGlobalId('Campaign', input.campaignId, ['input', 'campaignId']);
    const account = isRefused(campaignId) ? campaignId : await this.tranches.refreshAccount(viewer, campaignId);
    if (isRefused(account)) return noAccount(account);
    return { payoutAccount: account ? toPayoutAccount(account) : null, onboardingUrl: null, userErrors: [] };
  }

  private async of(viewer: Viewer, campaignId: string): Promise<Disbursement | null> {
    const page = await this.queries.page(campaignId);
    if (page === undefined) return null;
    const isVoting = page.tranches.some(({ evidence }) => evidence.some(({ outcome }) => outcome === 'voting'));
    const viewerMayVote =
      isVoting && viewer.kind === 'contributor' && (await this.queries.mayVote(campaignId, viewer.contributorId));
    return toDisbursement(page, { now: this.clock.now(), origin: this.config.publicUrl.origin, viewerMayVote });
  }

  private async take(viewer: SignedIn, globalId: string, act: (id: string) => Promise<Outcome<string>>) {
    const id = fromGlobalId('DisbursementTranche', globalId, ['input', 'trancheId']);
    const outcome = isRefused(id) ? id : await act(id);
    if (isRefused(outcome)) return refused(outcome);
    const campaignId = await this.queries.campaignOf(outcome);
    return { disbursement: campaignId === undefined ? null : await this.of(viewer, campaignId), userErrors: [] };
  }
}

type Refusals = Parameters<typeof toUserErrors>[0];
const refused = (outcome: Refusals): DisbursementPayload => ({ disbursement: null, userErrors: toUserErrors(outcome) });
const noAccount = (outcome: Refusals): PayoutAccountPayload => ({
  payoutAccount: null,
  onboardingUrl: null,
  userErrors: toUserErrors(outcome),
});
