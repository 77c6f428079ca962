import { Args, Context, Mutation, Parent, ResolveField, Resolver } from '@nestjs/graphql';
import { isRefused } from '#kernel';
import {
  Access,
  CurrentViewer,
  type GraphQLContext,
  type Viewer,
  fromGlobalId,
  loaderOf,
  parseGlobalId,
  toUserErrors,
} from '#platform';
import { planOperations } from '#protocol';
import { rateShown } from '../challenges/challenge.rule.js';
import type { ChallengeRow } from '../challenges/challenge.store.js';
import { ChallengesCommands } from '../challenges/challenges.commands.js';
import { NodesQueries } from '../nodes.queries.js';
import {
  NodeAppeal,
  NodeAppealDecideInput,
  NodeAppealDecidePayload,
  NodeAppealInput,
  NodeAppealPayload,
  NodeChallenge,
} from './node-challenge.type.js';
import { nodeAnswer } from './node.resolver.js';
import { GpuNode } from './node.type.js';

type SignedIn = Viewer & { kind: 'contributor' };

const toNodeChallenge = (row: ChallengeRow): NodeChallenge => ({
  device: row.device,
  cause: row.cause,
  state: row.state,
  fault: row.fault,
  detail: row.detail,
  operations: BigInt(planOperations(row.plan)),
  operationsPerSecond: row.startedAt && row.committedAt ? rateShown(row.plan, row.startedAt, row.committedAt) : null,
  issuedAt: row.issuedAt,
  endedAt: row.endedAt,
});

@Resolver(() => GpuNode)
export class NodeChallengeResolver {
  constructor(
    private readonly commands: ChallengesCommands,
    private readonly queries: NodesQueries,
  ) {}

  @ResolveField(() => [NodeChallenge], { description: 'Its last hardware challenges, newest first, 20 at most.' })
  async challenges(@Parent() node: GpuNode, @Context() context: GraphQLContext): Promise<NodeChallenge[]> {
    const loader = loaderOf(context, 'nodes.challenges', (ids: readonly string[]) => this.queries.challenges(ids));
    return ((await loader.load(rowId(node))) ?? []).map(toNodeChallenge);
  }

  @ResolveField(() => NodeAppeal, { nullable: true, description: 'The last appeal against a quarantine of it.' })
  async appeal(@Parent() node: GpuNode, @Context() context: GraphQLContext): Promise<NodeAppeal | null> {
    const loader = loaderOf(context, 'nodes.appeals', (ids: readonly string[]) => this.queries.appeals(ids));
    const row = await loader.load(rowId(node));
    if (!row) return null;
    const { viewer } = context;
    const maySee =
      viewer.kind === 'contributor' && (viewer.contributorId === row.ownerId || viewer.platformRoles.has('operator'));
    return { ...row, statement: maySee ? row.statement : null };
  }

  @Access({ scope: 'node:write' })
  @Mutation(() => NodeAppealPayload, { description: 'Says why a node of yours should come out of quarantine.' })
  async nodeAppeal(
    @Args('input', { description: 'Which node, and what happened.' }) input: NodeAppealInput,
    @CurrentViewer() viewer: SignedIn,
  ): Promise<NodeAppealPayload> {
    const nodeId = fromGlobalId('GpuNode', input.nodeId, ['input', 'nodeId']);
    if (isRefused(nodeId)) return { node: null, userErrors: toUserErrors(nodeId) };
    return nodeAnswer(this.queries, nodeId, await this.commands.appeal(viewer, nodeId, input.statement));
  }

  @Access({ platformRole: 'operator' })
  @Mutation(() => NodeAppealDecidePayload, { description: 'Decides an appeal against a quarantine.' })
  async nodeAppealDecide(
    @Args('input', { description: 'Which node, and what becomes of it.' }) input: NodeAppealDecideInput,
    @CurrentViewer() viewer: SignedIn,
  ): Promise<NodeAppealDecidePayload> {
    const nodeId = fromGlobalId('GpuNode', input.nodeId, ['input', 'nodeId']);
    if (isRefused(nodeId)) return { node: null, userErrors: toUserErrors(nodeId) };
    const { lift, reason } = input;
    return nodeAnswer(this.queries, nodeId, await this.commands.decideAppeal(viewer, { nodeId, lift, reason }));
  }
}

function rowId(node: GpuNode): string {
  const parsed = parseGlobalId(node.id);
  if (!parsed) throw new Error(`${node.id} is no global id`);
  return parsed.id;
}
