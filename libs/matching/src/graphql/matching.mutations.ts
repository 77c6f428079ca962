import { Args, Mutation, Resolver } from '@nestjs/graphql';
import { type Outcome, isRefused, isUuid, refuse } from '#kernel';
import { Access, Config, CurrentViewer, fromGlobalId, toUserErrors } from '#platform';
import { MatchingQueries } from '../matching.queries.js';
import { PoolCommands, type SignedIn } from '../pool.commands.js';
import { ReviewCommands } from '../review.commands.js';
import { RoundCommands, type RoundDraft } from '../round.commands.js';
import { toDeposit, toMatchPool, toMatchRound, toTransfer } from './matching.mapper.js';
import {
  MatchAppealDecideInput,
  MatchAppealInput,
  MatchCampaignInput,
  MatchDepositPayload,
  MatchDepositWithdrawInput,
  MatchExcludeInput,
  MatchGroupsReplaceInput,
  MatchPoolCreateInput,
  MatchPoolDepositInput,
  MatchPoolGiveBackInput,
  MatchPoolPayload,
  MatchRoundCampaignsReplaceInput,
  MatchRoundCancelInput,
  MatchRoundCreateInput,
  MatchRoundPayload,
  MatchRoundStepInput,
  MatchScoresRecordInput,
} from './matching.input.js';

const INPUT = (description: string) => ['input', { description }] as const;

@Resolver()
export class MatchingMutations {
  constructor(
    private readonly pools: PoolCommands,
    private readonly rounds: RoundCommands,
    private readonly reviews: ReviewCommands,
    private readonly queries: MatchingQueries,
    private readonly config: Config,
  ) {}

  @Access({ scope: 'pledge:write' })
  @Mutation(() => MatchPoolPayload, { description: 'Opens a pool. Who opens it manages it.' })
  async matchPoolCreate(@Args(...INPUT('The pool.')) input: MatchPoolCreateInput, @CurrentViewer() viewer: SignedIn) {
    return this.poolPayload(viewer, await this.pools.create(viewer, input));
  }

  @Access({ scope: 'pledge:write' })
  @Mutation(() => MatchDepositPayload, { description: 'Begins a payment into a pool.' })
  async matchPoolDeposit(
    @Args(...INPUT('The payment.')) input: MatchPoolDepositInput,
    @CurrentViewer() viewer: SignedIn,
  ): Promise<MatchDepositPayload> {
    const poolId = fromGlobalId('MatchPool', input.poolId, ['input', 'poolId']);
    const made = isRefused(poolId) ? poolId : await this.pools.deposit(viewer, Object.assign({}, input, { poolId }));
    if (isRefused(made))
      return { pool: null, deposit: null, payment: null, transfer: null, userErrors: toUserErrors(made) };
    const { publishableKey, apiBase } = this.config.stripe;
    const payment = made.payment && {
      clientSecret: made.payment.clientSecret ?? null,
      publishableKey,
      apiBase: apiBase?.href ?? null,
    };
    const { pool } = await this.poolPayload(viewer, made.deposit.poolId);
    const transfer = made.transfer && toTransfer(made.transfer);
    return { pool, deposit: toDeposit(made.deposit), payment, transfer, userErrors: [] };
  }

  @Access({ scope: 'pledge:write' })
  @Mutation(() => MatchPoolPayload, {
    description: 'Takes an announced bank transfer back before its money has come; what comes later stays yours.',
  })
  async matchDepositWithdraw(
    @Args(...INPUT('The deposit.')) input: MatchDepositWithdrawInput,
    @CurrentViewer() viewer: SignedIn,
  ) {
    const id = fromGlobalId('MatchDeposit', input.depositId, ['input', 'depositId']);
    return this.poolPayload(viewer, isRefused(id) ? id : await this.pools.withdraw(viewer, id));
  }

  @Access({ scope: 'pledge:write' })
  @Mutation(() => MatchPoolPayload, {
    description: 'Gives what no round was promised back to the sponsors, in proportion. Managers of the pool.',
  })
  async matchPoolGiveBack(
    @Args(...INPUT('The pool, and why.')) input: MatchPoolGiveBackInput,
    @CurrentViewer() viewer: SignedIn,
  ) {
    const poolId = fromGlobalId('MatchPool', input.poolId, ['input', 'poolId']);
    const outcome = isRefused(poolId) ? poolId : await this.pools.giveBack(viewer, poolId, input.reason);
    return this.poolPayload(viewer, isRefused(outcome) ? outcome : poolId);
  }

  @Access({ scope: 'pledge:write' })
  @Mutation(() => MatchRoundPayload, { description: 'Drafts a round. Managers of the pool.' })
  async matchRoundCreate(
    @Args(...INPUT('The round.')) input: MatchRoundCreateInput,
    @CurrentViewer() viewer: SignedIn,
  ) {
    const poolId = fromGlobalId('MatchPool', input.poolId, ['input', 'poolId']);
    const campaigns = campaignsOf(input.campaigns);
    if (isRefused(poolId)) return this.roundPayload(viewer, poolId);
    if (isRefused(campaigns)) return this.roundPayload(viewer, campaigns);
    return this.roundPayload(viewer, await this.rounds.create(viewer, Object.assign({}, input, { poolId, campaigns })));
  }

  @Access({ scope: 'pledge:write' })
  @Mutation(() => MatchRoundPayload, {
    description: 'Opens a drafted round; sets what it promises aside from its pool.',
  })
  matchRoundOpen(@Args(...INPUT('The round.')) input: MatchRoundStepInput, @CurrentViewer() viewer: SignedIn) {
    return this.onRound(viewer, input.roundId, (id) => this.rounds.open(viewer, id));
  }

  @Access({ scope: 'pledge:write' })
  @Mutation(() => MatchRoundPayload, { description: 'Gives a round up before it is final.' })
  matchRoundCancel(
    @Args(...INPUT('The round, and why.')) input: MatchRoundCancelInput,
    @CurrentViewer() viewer: SignedIn,
  ) {
    return this.onRound(viewer, input.roundId, (id) => this.rounds.cancel(viewer, id, input.reason));
  }

  @Access({ scope: 'pledge:write' })
  @Mutation(() => MatchRoundPayload, { description: 'Says anew which campaigns are in a round, until its cut-off.' })
  matchRoundCampaignsReplace(
    @Args(...INPUT('The round and its campaigns.')) input: MatchRoundCampaignsReplaceInput,
    @CurrentViewer() viewer: SignedIn,
  ) {
    const campaigns = campaignsOf(input.campaigns);
    return this.onRound(viewer, input.roundId, async (id) =>
      isRefused(campaigns) ? campaigns : this.rounds.replaceCampaigns(viewer, id, campaigns),
    );
  }

  @Access({ scope: 'pledge:write' })
  @Mutation(() => MatchRoundPayload, { description: 'Records identity scores for a round, until its cut-off.' })
  matchScoresRecord(
    @Args(...INPUT('The scores and their source.')) input: MatchScoresRecordInput,
    @CurrentViewer() viewer: SignedIn,
  ) {
    return this.onRound(viewer, input.roundId, (id) =>
      this.rounds.recordScores(viewer, id, input.source, input.scores),
    );
  }

  @Access({ scope: 'pledge:write' })
  @Mutation(() => MatchRoundPayload, { description: 'Says anew which donors belong together, until the cut-off.' })
  matchGroupsReplace(
    @Args(...INPUT('The round and its groups.')) input: MatchGroupsReplaceInput,
    @CurrentViewer() viewer: SignedIn,
  ) {
    return this.onRound(viewer, input.roundId, (id) => this.rounds.replaceGroups(viewer, id, input.groups));
  }

  @Access({ scope: 'pledge:write' })
  @Mutation(() => MatchRoundPayload, {
    description: 'Excludes a donor, a gift or a campaign from a round, with a reason, until the review is over.',
  })
  matchExclude(@Args(...INPUT('What, and why.')) input: MatchExcludeInput, @CurrentViewer() viewer: SignedIn) {
    const subjectId = subjectOf(input);
    return this.onRound(viewer, input.roundId, async (roundId) => {
      if (isRefused(subjectId)) return subjectId;
      const { kind, reason } = input;
      const outcome = await this.reviews.exclude(viewer, { roundId, kind, subjectId, reason });
      return isRefused(outcome) ? outcome : roundId;
    });
  }

  @Access({ scope: 'pledge:write' })
  @Mutation(() => MatchRoundPayload, { description: 'Appeals against an exclusion of one’s own gifts or campaign.' })
  matchAppeal(@Args(...INPUT('The appeal.')) input: MatchAppealInput, @CurrentViewer() viewer: SignedIn) {
    return this.onExclusion(viewer, input.exclusionId, (id) => this.reviews.appeal(viewer, id, input.statement));
  }

  @Access({ scope: 'pledge:write' })
  @Mutation(() => MatchRoundPayload, {
    description: 'Decides an appeal: somebody who manages the pool and neither excluded nor appeals.',
  })
  matchAppealDecide(@Args(...INPUT('The decision.')) input: MatchAppealDecideInput, @CurrentViewer() viewer: SignedIn) {
    return this.onExclusion(viewer, input.exclusionId, (id) =>
      this.reviews.decide(viewer, id, input.lift, input.decision),
    );
  }

  private async onRound(
    viewer: SignedIn,
    globalId: string,
    act: (id: string) => Promise<Outcome<string>>,
  ): Promise<MatchRoundPayload> {
    const id = fromGlobalId('MatchRound', globalId, ['input', 'roundId']);
    return this.roundPayload(viewer, isRefused(id) ? id : await act(id));
  }

  private async onExclusion(
    viewer: SignedIn,
    globalId: string,
    act: (id: string) => Promise<Outcome<string>>,
  ): Promise<MatchRoundPayload> {
    const id = fromGlobalId('MatchExclusion', globalId, ['input', 'exclusionId']);
    const outcome = isRefused(id) ? id : await act(id);
    if (isRefused(outcome)) return this.roundPayload(viewer, outcome);
    const exclusion = await this.queries.exclusion(outcome);
    return this.roundPayload(viewer, exclusion?.roundId ?? '');
  }

  private async roundPayload(viewer: SignedIn, outcome: Outcome<string>): Promise<MatchRoundPayload> {
    if (isRefused(outcome)) return { round: null, userErrors: toUserErrors(outcome) };
    const round = await this.queries.round(viewer, { id: outcome });
    return { round: round ? toMatchRound(round, viewer) : null, userErrors: [] };
  }

  private async poolPayload(viewer: SignedIn, outcome: Outcome<string>): Promise<MatchPoolPayload> {
    if (isRefused(outcome)) return { pool: null, userErrors: toUserErrors(outcome) };
    const view = await this.queries.pool(outcome);
    return { pool: view ? toMatchPool(view, viewer) : null, userErrors: [] };
  }
}

function campaignsOf(inputs: readonly MatchCampaignInput[]): Outcome<RoundDraft['campaigns'][number][]> {
  const campaigns: RoundDraft['campaigns'][number][] = [];
  for (const [index, { campaignId, capMinor }] of inputs.entries()) {
    const id = fromGlobalId('Campaign', campaignId, ['input', 'campaigns', String(index), 'campaignId']);
    if (isRefused(id)) return id;
    campaigns.push({ campaignId: id, capMinor });
  }
  return campaigns;
}

function subjectOf({ kind, subject }: MatchExcludeInput): Outcome<string> {
  const path = ['input', 'subject'];
  if (kind === 'gift') return fromGlobalId('CashPledge', subject, path);
  if (kind === 'campaign') return fromGlobalId('Campaign', subject, path);
  return isUuid(subject)
    ? subject
    : refuse({ code: 'ID_INVALID', message: 'This is not a pseudonym.', hint: 'A pseudonym is a UUID.', path });
}
