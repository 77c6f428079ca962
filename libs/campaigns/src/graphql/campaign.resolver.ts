import { Args, ID, Info, Mutation, Parent, Query, ResolveField, Resolver, Subscription } from '@nestjs/graphql';
import type { GraphQLResolveInfo } from 'graphql';
import { type Outcome, isRefused } from '#kernel';
import {
  AFTER_ARG,
  Access,
  CursorKey,
  askedId,
  CurrentViewer,
  EventFeed,
  FIRST_ARG,
  type Viewer,
  follow,
  fromGlobalId,
  parseGlobalId,
  toConnection,
  toUserErrors,
} from '#platform';
import { AmendmentCommands } from '../amendment.commands.js';
import { CampaignCommands } from '../campaign.commands.js';
import { CampaignQueries } from '../campaign.queries.js';
import type { CampaignState } from '../domain/campaign.machine.js';
import { toCampaign, toCampaignEvent } from './campaign.mapper.js';
import {
  CampaignCreateInput,
  CampaignPayload,
  CampaignReasonInput,
  CampaignStepInput,
  CampaignUpdateInput,
} from './campaign.input.js';
import { windowsDraft } from './campaign-plan.mapper.js';
import { CampaignAmendInput, CampaignExtensionConsentInput } from './campaign-terms.type.js';
import { Campaign, CampaignConnection, CampaignEventConnection, CampaignStateEnum } from './campaign.type.js';
import { requestedFields, selectionsAt } from './selection.reader.js';

type SignedIn = Viewer & { kind: 'contributor' };
const INPUT = (description: string) => ({ name: 'input', description });

@Resolver(() => Campaign)
export class CampaignResolver {
  constructor(
    private readonly commands: CampaignCommands,
    private readonly amendments: AmendmentCommands,
    private readonly queries: CampaignQueries,
    private readonly feed: EventFeed,
  ) {}

  @Access('public')
  @Query(() => CampaignConnection, { description: 'Campaigns, newest first. Drafts are seen by their project only.' })
  async campaigns(
    @CurrentViewer() viewer: Viewer,
    @Info() info: GraphQLResolveInfo,
    @Args(FIRST_ARG) first?: number,
    @Args(AFTER_ARG) after?: string,
    @Args('state', { type: () => CampaignStateEnum, nullable: true, description: 'Only those in this state.' })
    state?: CampaignStateEnum,
  ) {
    const asked = requestedFields(info);
    const fields = [...selectionsAt(asked, 'nodes'), ...selectionsAt(asked, 'edges', 'node')].flatMap(
      (s) => s.children,
    );
    const args = { first, after, state: state as CampaignState | undefined };
    const page = await this.queries.page(viewer, args, fields, selectionsAt(asked, 'pageInfo').length > 0);
    return toConnection(page, toCampaign, after);
  }

  @Access('public')
  @Query(() => Campaign, { nullable: true, description: 'A campaign by its id; null when there is none.' })
  async campaign(
    @CurrentViewer() viewer: Viewer,
    @Info() info: GraphQLResolveInfo,
    @Args('id', { type: () => ID, description: 'Global id.' }) globalId: string,
  ): Promise<Campaign | null> {
    const row = await this.queries.byId(viewer, askedId('Campaign', globalId), requestedFields(info));
    return row ? toCampaign(row) : null;
  }

  @Access('public')
  @Query(() => Campaign, { nullable: true, description: 'A campaign by its slug; null when there is none.' })
  async campaignBySlug(
    @CurrentViewer() viewer: Viewer,
    @Info() info: GraphQLResolveInfo,
    @Args('slug', { type: () => String, description: 'Short name from its address.' }) slug: string,
  ): Promise<Campaign | null> {
    const row = await this.queries.bySlug(viewer, slug, requestedFields(info));
    return row ? toCampaign(row) : null;
  }

  @CursorKey(/^\d{1,18}$/)
  @ResolveField(() => CampaignEventConnection, { description: 'What happened, newest first, from the public record.' })
  async events(@Parent() campaign: Campaign, @Args(FIRST_ARG) first?: number, @Args(AFTER_ARG) after?: string) {
    const id = parseGlobalId(campaign.id)?.id ?? '';
    return toConnection(await this.queries.events(id, { first, after }), toCampaignEvent, after);
  }

  @Access({ scope: 'campaign:write', projectRoles: ['maintainer'] })
  @Mutation(() => CampaignPayload, { description: 'Makes a campaign as a draft, with the budget of its recipe.' })
  async campaignCreate(
    @Args(INPUT('The campaign.')) input: CampaignCreateInput,
    @CurrentViewer() viewer: SignedIn,
  ): Promise<CampaignPayload> {
    const projectId = fromGlobalId('Project', input.projectId, ['input', 'projectId']);
    if (isRefused(projectId)) return refusedPayload(projectId);
    const recipeId = fromGlobalId('Recipe', input.recipeId, ['input', 'recipeId']);
    if (isRefused(recipeId)) return refusedPayload(recipeId);
    const windows = windowsDraft(input.windows);
    const draft = Object.assign({}, input, { projectId, recipeId, windows, currency: input.currency ?? 'USD' });
    return this.payload(viewer, await this.commands.create(viewer, draft));
  }

  @Access({ scope: 'campaign:write', projectRoles: ['maintainer'] })
  @Mutation(() => CampaignPayload, {
    description:
      'Changes a draft: everything but its project, recipe and currency. Null takes away what may be absent.',
  })
  campaignUpdate(@Args(INPUT('The changes.')) input: CampaignUpdateInput, @CurrentViewer() viewer: SignedIn) {
    const { campaignId, windows, ...edit } = input;
    const change = windows === undefined ? edit : { ...edit, windows: windowsDraft(windows) };
    return this.take(viewer, campaignId, (id) => this.commands.update(viewer, id, change));
  }

  @Access({ scope: 'campaign:write', projectRoles: ['maintainer'] })
  @Mutation(() => CampaignPayload, {
    description: 'Changes the texts of a live campaign or adds stretch goals, as a new version of its terms.',
  })
  campaignAmend(@Args(INPUT('The changes.')) input: CampaignAmendInput, @CurrentViewer() viewer: SignedIn) {
    return this.take(viewer, input.campaignId, (id) => this.amendments.amend(viewer, id, input));
  }

  @Access({ scope: 'pledge:write' })
  @Mutation(() => CampaignPayload, {
    description: "A backer's answer to the extension of a campaign. It may be changed while the extension lasts.",
  })
  campaignExtensionConsent(
    @Args(INPUT('The answer.')) input: CampaignExtensionConsentInput,
    @CurrentViewer() viewer: SignedIn,
  ) {
    return this.take(viewer, input.campaignId, (id) => this.amendments.consent(viewer, id, input.agrees));
  }

  @Access({ scope: 'campaign:write', projectRoles: ['maintainer'] })
  @Mutation(() => CampaignPayload, { description: 'Hands a draft to review.' })
  campaignSubmit(@Args(INPUT('The campaign.')) input: CampaignStepInput, @CurrentViewer() viewer: SignedIn) {
    return this.take(viewer, input.campaignId, (id) => this.commands.submit(viewer, id));
  }

  @Access({ scope: 'campaign:review', projectRoles: ['reviewer'] })
  @Mutation(() => CampaignPayload, {
    description: 'Puts a reviewed campaign live. An operator, or a reviewer who did not make it.',
  })
  campaignApprove(@Args(INPUT('The campaign.')) input: CampaignStepInput, @CurrentViewer() viewer: SignedIn) {
    return this.take(viewer, input.campaignId, (id) => this.commands.approve(viewer, id));
  }

  @Access({ scope: 'campaign:review', projectRoles: ['reviewer'] })
  @Mutation(() => CampaignPayload, { description: 'Refuses a campaign with a reason; its organisers may revise it.' })
  campaignReject(@Args(INPUT('The campaign and why.')) input: CampaignReasonInput, @CurrentViewer() viewer: SignedIn) {
    return this.take(viewer, input.campaignId, (id) => this.commands.reject(viewer, id, input.reason));
  }

  @Access({ scope: 'campaign:write', projectRoles: ['maintainer'] })
  @Mutation(() => CampaignPayload, { description: 'Makes a draft of a rejected campaign again.' })
  campaignRevise(@Args(INPUT('The campaign.')) input: CampaignStepInput, @CurrentViewer() viewer: SignedIn) {
    return this.take(viewer, input.campaignId, (id) => this.commands.revise(viewer, id));
  }

  @Access({ scope: 'campaign:review', platformRole: 'operator' })
  @Mutation(() => CampaignPayload, {
    description: 'Stops pledges, charges and payouts of a campaign; its timers stand.',
  })
  campaignSuspend(@Args(INPUT('The campaign and why.')) input: CampaignReasonInput, @CurrentViewer() viewer: SignedIn) {
    return this.take(viewer, input.campaignId, (id) => this.commands.suspend(viewer, id, input.reason));
  }

  @Access({ scope: 'campaign:review', platformRole: 'operator' })
  @Mutation(() => CampaignPayload, { description: 'Lets a suspended campaign go on.' })
  campaignResume(@Args(INPUT('The campaign.')) input: CampaignStepInput, @CurrentViewer() viewer: SignedIn) {
    return this.take(viewer, input.campaignId, (id) => this.commands.resume(viewer, id));
  }

  @Access({ scope: 'campaign:write', projectRoles: ['owner'] })
  @Mutation(() => CampaignPayload, {
    description: 'Gives a campaign up before its training; everything captured is refunded.',
  })
  campaignCancel(@Args(INPUT('The campaign and why.')) input: CampaignReasonInput, @CurrentViewer() viewer: SignedIn) {
    return this.take(viewer, input.campaignId, (id) => this.commands.cancel(viewer, id, input.reason));
  }

  @Access({ scope: 'campaign:write', projectRoles: ['maintainer'] })
  @Mutation(() => CampaignPayload, {
    description: 'Asks for the training of a funded campaign; its run appears soon after.',
  })
  campaignStartTraining(@Args(INPUT('The campaign.')) input: CampaignStepInput, @CurrentViewer() viewer: SignedIn) {
    return this.take(viewer, input.campaignId, (id) => this.commands.startTraining(viewer, id));
  }

  @Access('public')
  @Subscription(() => Campaign, {
    description: 'The campaign, now and whenever something happens to it, its pledges or its runs.',
    resolve: (campaign: Campaign) => campaign,
  })
  campaignChanged(
    @CurrentViewer() viewer: Viewer,
    @Args('campaignId', { type: () => ID, description: 'Global id.' }) globalId: string,
  ): AsyncIterableIterator<Campaign> {
    return this.changes(viewer, askedId('Campaign', globalId));
  }

  private changes(viewer: Viewer, id: string): AsyncIterableIterator<Campaign> {
    // The feed opens before the first read, so nothing that happens in between is missed.
    const events = this.feed.subscribe((occurred) => occurred.payload['campaignId'] === id);
    return follow(events, async () => {
      const row = await this.queries.byId(viewer, id);
      return row && toCampaign(row);
    });
  }

  private async take(viewer: SignedIn, globalId: string, act: (id: string) => Promise<Outcome<string>>) {
    const id = fromGlobalId('Campaign', globalId, ['input', 'campaignId']);
    return this.payload(viewer, isRefused(id) ? id : await act(id));
  }

  private async payload(viewer: Viewer, outcome: Outcome<string>): Promise<CampaignPayload> {
    if (isRefused(outcome)) return refusedPayload(outcome);
    const row = await this.queries.byId(viewer, outcome);
    return { campaign: row ? toCampaign(row) : null, userErrors: [] };
  }
}

const refusedPayload = (refused: Parameters<typeof toUserErrors>[0]): CampaignPayload => ({
  campaign: null,
  userErrors: toUserErrors(refused),
});
