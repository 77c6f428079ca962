import { Args, Int, Mutation, Parent, ResolveField, Resolver } from '@nestjs/graphql';
import { isRefused } from '#kernel';
import {
  AFTER_ARG,
  Access,
  CurrentViewer,
  CursorKey,
  FIRST_ARG,
  GpuTime,
  Money,
  NodeLookup,
  type NodeSource,
  UnitOfWork,
  type Viewer,
  fromGlobalId,
  parseGlobalId,
  toConnection,
  toGlobalId,
  toUserErrors,
} from '#platform';
import { paragraphs } from '../domain/update.rule.js';
import { UpdateCommands } from '../update.commands.js';
import { type TermsVersionRow, settlements, standingOf, termsVersions } from '../store/terms-version.store.js';
import { type UpdateRow, readableUpdate, updateVersions, updatesPage } from '../store/update.store.js';
import { Campaign } from './campaign.type.js';
import {
  CampaignSettlement,
  CampaignTerms,
  CampaignUpdate,
  CampaignUpdateConnection,
  CampaignUpdateCorrectInput,
  CampaignUpdatePayload,
  CampaignUpdatePublishInput,
  CampaignUpdateVersion,
  CampaignViewer,
} from './campaign-terms.type.js';

type SignedIn = Viewer & { kind: 'contributor' };
const INPUT = (description: string) => ({ name: 'input', description });
const idOf = (of: { id: string }): string => parseGlobalId(of.id)?.id ?? '';

const toTerms = (row: TermsVersionRow): CampaignTerms => ({
  ...row,
  sha256: row.sha256.toString('hex'),
  document: JSON.parse(row.content) as unknown,
});

const toVersion = (row: UpdateRow): CampaignUpdateVersion => ({ ...row, paragraphs: paragraphs(row.body) });
const toUpdate = (row: UpdateRow): CampaignUpdate => ({
  ...row,
  paragraphs: paragraphs(row.body),
  id: toGlobalId('CampaignUpdate', row.id),
});

/** What stays written of a campaign: its terms, its settlements and its updates. */
@Resolver(() => Campaign)
export class CampaignRecordResolver {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly commands: UpdateCommands,
  ) {}

  @ResolveField(() => CampaignTerms, {
    nullable: true,
    description: 'What backers agree to: that version, or the newest. Null before it went live.',
  })
  async terms(
    @Parent() campaign: Campaign,
    @Args('version', { type: () => Int, nullable: true, description: 'Version, counted from 1.' }) version?: number,
  ): Promise<CampaignTerms | null> {
    const all = await this.uow.read((tx) => termsVersions(tx, idOf(campaign)));
    const found = version == null ? all[0] : all.find((row) => row.version === version);
    return found ? toTerms(found) : null;
  }

  @ResolveField(() => [CampaignTerms], { description: 'Every version of its terms, newest first.' })
  async termsVersions(@Parent() campaign: Campaign): Promise<CampaignTerms[]> {
    return (await this.uow.read((tx) => termsVersions(tx, idOf(campaign)))).map(toTerms);
  }

  @ResolveField(() => [CampaignSettlement], {
    description: 'When its pledges were frozen to be charged: once, and once more after an extension.',
  })
  async settlements(@Parent() campaign: Campaign): Promise<CampaignSettlement[]> {
    const rows = await this.uow.read((tx) => settlements(tx, idOf(campaign)));
    return rows.map((row) => ({
      ...row,
      promised: Money.of(row.promisedMinor, row.currency),
      collected: Money.of(row.collectedMinor, row.currency),
      judgedCash: row.judgedCashMinor === null ? null : Money.of(row.judgedCashMinor, row.currency),
      judgedCompute: row.judgedComputeMs === null ? null : GpuTime.of(row.judgedComputeMs, row.gpuClass),
    }));
  }

  @ResolveField(() => CampaignViewer, { description: 'What it means to whoever asks.' })
  viewer(@Parent() campaign: Campaign, @CurrentViewer() viewer: Viewer): Promise<CampaignViewer> {
    return this.uow.read((tx) => standingOf(tx, viewer, idOf(campaign)));
  }

  @CursorKey(/^\d{1,9}$/)
  @ResolveField(() => CampaignUpdateConnection, {
    description: 'What its organisers told, newest first; those for backers only are left out for everybody else.',
  })
  async updates(
    @Parent() campaign: Campaign,
    @CurrentViewer() viewer: Viewer,
    @Args(FIRST_ARG) first?: number,
    @Args(AFTER_ARG) after?: string,
  ) {
    const page = await this.uow.read((tx) => updatesPage(tx, viewer, idOf(campaign), { first, after }));
    return toConnection(page, toUpdate, after);
  }

  @Access({ scope: 'campaign:write', projectRoles: ['maintainer'] })
  @Mutation(() => CampaignUpdatePayload, { description: 'Tells the backers of a campaign how things go.' })
  async campaignUpdatePublish(
    @Args(INPUT('The update.')) input: CampaignUpdatePublishInput,
    @CurrentViewer() viewer: SignedIn,
  ): Promise<CampaignUpdatePayload> {
    const id = fromGlobalId('Campaign', input.campaignId, ['input', 'campaignId']);
    const { title, body } = input;
    return this.payload(
      viewer,
      isRefused(id)
        ? id
        : await this.commands.publish(viewer, id, { title, body, audience: input.audience ?? 'public' }),
    );
  }

  @Access({ scope: 'campaign:write', projectRoles: ['maintainer'] })
  @Mutation(() => CampaignUpdatePayload, { description: 'Corrects an update; the old version stays readable.' })
  async campaignUpdateCorrect(
    @Args(INPUT('The correction.')) input: CampaignUpdateCorrectInput,
    @CurrentViewer() viewer: SignedIn,
  ): Promise<CampaignUpdatePayload> {
    const id = fromGlobalId('CampaignUpdate', input.updateId, ['input', 'updateId']);
    return this.payload(viewer, isRefused(id) ? id : await this.commands.correct(viewer, id, input));
  }

  private async payload(
    viewer: Viewer,
    outcome: Awaited<ReturnType<UpdateCommands['publish']>>,
  ): Promise<CampaignUpdatePayload> {
    if (isRefused(outcome)) return { update: null, userErrors: toUserErrors(outcome) };
    const row = await this.uow.read((tx) => readableUpdate(tx, viewer, outcome));
    return { update: row ? toUpdate(row) : null, userErrors: [] };
  }
}

@Resolver(() => CampaignUpdate)
export class CampaignUpdateResolver {
  constructor(private readonly uow: UnitOfWork) {}

  @ResolveField(() => [CampaignUpdateVersion], { description: 'Every version of it, newest first.' })
  async versions(@Parent() update: CampaignUpdate): Promise<CampaignUpdateVersion[]> {
    return (await this.uow.read((tx) => updateVersions(tx, idOf(update)))).map(toVersion);
  }
}

@NodeLookup()
export class CampaignUpdateLookup implements NodeSource {
  readonly typeName = 'CampaignUpdate';
  constructor(private readonly uow: UnitOfWork) {}

  async find(id: string, viewer: Viewer): Promise<object | null> {
    const row = await this.uow.read((tx) => readableUpdate(tx, viewer, id));
    return row ? toUpdate(row) : null;
  }
}
