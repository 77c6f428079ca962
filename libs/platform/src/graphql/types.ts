import { Field, Int, InterfaceType, ID, ObjectType } from '@nestjs/graphql';
import { type Page, type Refused, currencyScale } from '#kernel';
import { BigIntScalar, decimal } from './scalars.js';

@ObjectType({ description: 'An amount of one currency.' })
export class Money {
  @Field(() => BigIntScalar, { description: 'The amount in minor units of the currency: cents for USD.' })
  amountMinor: bigint;

  @Field(() => String, { description: 'ISO 4217 code, for example "USD".' })
  currency: string;

  @Field(() => String, { description: 'The amount as decimal text for people, for example "25.00".' })
  decimal: string;

  static of(amountMinor: bigint, currency = 'USD'): Money {
    return { amountMinor, currency, decimal: decimal(amountMinor, currencyScale(currency)) };
  }
}

@ObjectType({ description: 'An amount of time on accelerators of one class.' })
export class GpuTime {
  @Field(() => BigIntScalar, { description: 'The amount in milliseconds of one accelerator, the unit that is booked.' })
  milliseconds: bigint;

  @Field(() => BigIntScalar, { description: 'The same in whole seconds, rounded down.' })
  seconds: bigint;

  @Field(() => String, { description: 'Accelerator class, for example "h100-sxm-80" or "cpu".' })
  class: string;

  static of(milliseconds: bigint, gpuClass: string): GpuTime {
    return { milliseconds, seconds: milliseconds / 1000n, class: gpuClass };
  }
}

@ObjectType({ description: 'Why a mutation was refused. A refused mutation changed nothing.' })
export class UserError {
  @Field(() => String, { description: 'Stable code for programs, for example "PLEDGE_CAMPAIGN_CLOSED".' })
  code: string;

  @Field(() => [String], { description: 'The input field that the error is about, from the root of the arguments.' })
  path: string[];

  @Field(() => String, { description: 'One short fact for people.' })
  message: string;

  @Field(() => String, { nullable: true, description: 'The figures behind the fact.' })
  detail: string | null;

  @Field(() => String, { nullable: true, description: 'What would be right.' })
  hint: string | null;
}

/** The refusals of an outcome as GraphQL shows them. */
export const toUserErrors = (refused: Refused): UserError[] =>
  refused.refusals.map((r) => ({
    code: r.code,
    path: [...(r.path ?? [])],
    message: r.message,
    detail: r.detail ?? null,
    hint: r.hint ?? null,
  }));

@ObjectType({ description: 'Where a page stands in its list (Relay cursor connections).' })
export class PageInfo {
  @Field(() => Boolean, { description: 'Whether more items follow.' })
  hasNextPage: boolean;

  @Field(() => Boolean, {
    description: 'Whether items precede. Lists are walked forward, so this is true on every page but the first.',
  })
  hasPreviousPage: boolean;

  @Field(() => String, { nullable: true, description: 'Cursor of the first item.' })
  startCursor: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'Cursor of the last item; pass it as `after` for the next page.',
  })
  endCursor: string | null;
}

@InterfaceType('Node', {
  description: 'An object with a global id.',
  resolveType: (value: { __typename?: string }) => value.__typename,
})
export abstract class NodeInterface {
  @Field(() => ID, { description: 'Global id, opaque; `node(id:)` finds the object again.' })
  id: string;
}

export interface Edge<T> {
  cursor: string;
  node: T;
}
export interface ConnectionShape<T> {
  readonly edges: Edge<T>[];
  readonly nodes: T[];
  readonly pageInfo: PageInfo;
}

/**
 * The Relay connection type of a node type: `const CampaignConnection = Connection(Campaign)`. Lists are walked
 * forward with `first` and `after`.
 */
export function Connection<T extends object>(nodeType: new () => T, name = nodeType.name) {
  @ObjectType(`${name}Edge`, { description: `One ${name} of a list and its place in it.` })
  class EdgeType {
    @Field(() => String, { description: 'Opaque place in the list.' })
    cursor: string;
    @Field(() => nodeType, { description: 'The item.' })
    node: T;
  }
  @ObjectType(`${name}Connection`, { description: `One page of a list of ${name}.` })
  class ConnectionType implements ConnectionShape<T> {
    @Field(() => [EdgeType], { description: 'The items with their cursors.' })
    edges: EdgeType[];
    @Field(() => [nodeType], { description: 'The items alone.' })
    nodes: T[];
    @Field(() => PageInfo, { description: 'Whether and where the list goes on.' })
    pageInfo: PageInfo;
  }
  return ConnectionType;
}

/** A page as its connection. `after` is the cursor the page was asked with. */
export function toConnection<Row, T>(page: Page<Row>, map: (row: Row) => T, after?: string | null): ConnectionShape<T> {
  return new PageConnection(page, page.nodes.map(map), Boolean(after));
}

/** Edges and cursors are made when somebody reads them: most ask for `nodes` alone, and a page may hold many lists. */
class PageConnection<T> implements ConnectionShape<T> {
  constructor(
    private readonly page: Page<unknown>,
    readonly nodes: T[],
    private readonly hasPreviousPage: boolean,
  ) {}

  get edges(): Edge<T>[] {
    const { cursors } = this.page;
    return this.nodes.map((node, index) => ({ node, cursor: cursors[index] ?? '' }));
  }

  get pageInfo(): PageInfo {
    const { cursors, hasNextPage } = this.page;
    return {
      hasNextPage,
      hasPreviousPage: this.hasPreviousPage,
      startCursor: cursors[0] ?? null,
      endCursor: cursors.at(-1) ?? null,
    };
  }
}

/** `first` and `after` of every list. */
export const FIRST_ARG = {
  name: 'first',
  type: () => Int,
  nullable: true,
  description: 'How many items, 1 to 100 (20 when absent).',
} as const;
export const AFTER_ARG = {
  name: 'after',
  type: () => String,
  nullable: true,
  description: 'Cursor of the item to go on after: `endCursor` of a page.',
} as const;
