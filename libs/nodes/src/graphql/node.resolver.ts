import { Args, Mutation, Query, Resolver } from '@nestjs/graphql';
import { type Outcome, isRefused } from '#kernel';
import { toContributor } from '#identity';
import {
  AFTER_ARG,
  Access,
  Config,
  CurrentViewer,
  FIRST_ARG,
  NodeLookup,
  type NodeSource,
  UserError,
  type Viewer,
  fromGlobalId,
  toConnection,
  toGlobalId,
  toUserErrors,
} from '#platform';
import { NodesCommands } from '../nodes.commands.js';
import { type NodeRow, NodesQueries } from '../nodes.queries.js';
import {
  GpuNode,
  GpuNodeConnection,
  NodeDrainInput,
  NodeDrainPayload,
  NodeHoursSetInput,
  NodeHoursSetPayload,
  NodeJoinTokenCreateInput,
  NodeJoinTokenCreatePayload,
} from './node.type.js';

type SignedIn = Viewer & { kind: 'contributor' };

/** The public face of a node. UUIDs of devices stay inside: they identify a machine for its whole life. */
export const toGpuNode = (row: NodeRow): GpuNode => ({
  id: toGlobalId('GpuNode', row.id),
  name: row.name,
  state: row.state,
  class: row.gpuClass,
  count: row.count,
  region: row.region,
  agentVersion: row.agentVersion,
  owner: toContributor({
    id: row.ownerId,
    pseudonym: row.ownerPseudonym,
    displayName: row.ownerName,
    kind: row.ownerKind,
  }),
  joinedAt: row.joinedAt,
  lastSeenAt: row.lastSeenAt,
  verifiedAt: row.verifiedAt,
  stateCause: row.stateCause,
  hours: row.windows,
  inventory: { ...row.inventory, devices: row.inventory.devices.map((device) => ({ ...device, uuid: undefined })) },
});

@Resolver()
export class NodeResolver {
  constructor(
    private readonly commands: NodesCommands,
    private readonly queries: NodesQueries,
    private readonly config: Config,
  ) {}

  @Access('public')
  @Query(() => GpuNodeConnection, { description: 'The donated machines, newest first.' })
  async nodes(
    @Args(FIRST_ARG) first: number | null,
    @Args(AFTER_ARG) after: string | null,
  ): Promise<GpuNodeConnection> {
    return toConnection(await this.queries.nodes({ first, after }), toGpuNode, after);
  }

  @Access({ scope: 'node:write' })
  @Mutation(() => NodeJoinTokenCreatePayload, {
    description: 'Makes a one-time token by which one machine joins for the viewer.',
  })
  async nodeJoinTokenCreate(
    @Args('input', { description: 'What the token is for.' }) input: NodeJoinTokenCreateInput,
    @CurrentViewer() viewer: SignedIn,
  ): Promise<NodeJoinTokenCreatePayload> {
    const failed = { token: null, command: null, expiresAt: null };
    const pledgeId = input.computePledgeId
      ? fromGlobalId('ComputePledge', input.computePledgeId, ['input', 'computePledgeId'])
      : null;
    if (isRefused(pledgeId)) return { ...failed, userErrors: toUserErrors(pledgeId) };
    const outcome = await this.commands.createJoinToken(viewer, {
      name: input.name ?? null,
      computePledgeId: pledgeId,
    });
    if (isRefused(outcome)) return { ...failed, userErrors: toUserErrors(outcome) };
    const command = `node bin/commonweights-agent.mjs start --server ${this.config.publicUrl.origin} --token ${outcome.token}`;
    return { ...outcome, command, userErrors: [] };
  }

  @Access({ scope: 'node:write' })
  @Mutation(() => NodeDrainPayload, { description: 'Asks a node of yours to write a checkpoint and leave.' })
  async nodeDrain(
    @Args('input', { description: 'Which node.' }) input: NodeDrainInput,
    @CurrentViewer() viewer: SignedIn,
  ): Promise<NodeDrainPayload> {
    const nodeId = fromGlobalId('GpuNode', input.nodeId, ['input', 'nodeId']);
    if (isRefused(nodeId)) return { node: null, userErrors: toUserErrors(nodeId) };
    return nodeAnswer(this.queries, nodeId, await this.commands.requestDrain(viewer, nodeId));
  }

  @Access({ scope: 'node:write' })
  @Mutation(() => NodeHoursSetPayload, { description: 'Sets the hours at which a node of yours takes new work.' })
  async nodeHoursSet(
    @Args('input', { description: 'Which node, and its hours.' }) input: NodeHoursSetInput,
    @CurrentViewer() viewer: SignedIn,
  ): Promise<NodeHoursSetPayload> {
    const nodeId = fromGlobalId('GpuNode', input.nodeId, ['input', 'nodeId']);
    if (isRefused(nodeId)) return { node: null, userErrors: toUserErrors(nodeId) };
    return nodeAnswer(this.queries, nodeId, await this.commands.setHours(viewer, nodeId, input.windows));
  }
}

/** What a mutation of a node answers: the node as it is now, or why it was refused. */
export async function nodeAnswer(
  queries: NodesQueries,
  nodeId: string,
  outcome: Outcome<unknown>,
): Promise<{ node: GpuNode | null; userErrors: UserError[] }> {
  if (isRefused(outcome)) return { node: null, userErrors: toUserErrors(outcome) };
  const row = await queries.node(nodeId);
  return { node: row ? toGpuNode(row) : null, userErrors: [] };
}

@NodeLookup()
export class GpuNodeLookup implements NodeSource {
  readonly typeName = 'GpuNode';
  constructor(private readonly queries: NodesQueries) {}

  async find(id: string): Promise<GpuNode | null> {
    const row = await this.queries.node(id);
    return row ? toGpuNode(row) : null;
  }
}
