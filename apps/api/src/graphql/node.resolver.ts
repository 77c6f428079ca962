import { Injectable } from '@nestjs/common';
import { DiscoveryService, Reflector } from '@nestjs/core';
import { Args, ID, Query, Resolver } from '@nestjs/graphql';
import {
  Access,
  CurrentViewer,
  NODE_LOOKUP,
  NodeInterface,
  type NodeSource,
  type Viewer,
  parseGlobalId,
} from '#platform';

/** Every {@link NodeSource} of the rooms, by GraphQL type name. */
@Injectable()
export class NodeSources {
  private sources: Map<string, NodeSource> | undefined;

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly reflector: Reflector,
  ) {}

  get(typeName: string): NodeSource | undefined {
    this.sources ??= new Map(
      this.discovery
        .getProviders()
        .filter((w) => w.instance && typeof w.metatype === 'function')
        .filter((w) => this.reflector.get<boolean>(NODE_LOOKUP, w.metatype as never))
        .map((w) => w.instance as NodeSource)
        .map((source) => [source.typeName, source]),
    );
    return this.sources.get(typeName);
  }
}

@Resolver(() => NodeInterface)
export class NodeResolver {
  constructor(private readonly sources: NodeSources) {}

  @Access('public')
  @Query(() => NodeInterface, {
    nullable: true,
    description:
      'The object with this global id, under the same access as its own field; null when there is none for you.',
  })
  async node(
    @Args('id', { type: () => ID, description: 'Global id.' }) id: string,
    @CurrentViewer() viewer: Viewer,
  ): Promise<object | null> {
    const parsed = parseGlobalId(id);
    const source = parsed && this.sources.get(parsed.type);
    const found = source ? await source.find(parsed.id, viewer) : null;
    return found && source ? Object.assign(found, { __typename: source.typeName }) : null;
  }
}
