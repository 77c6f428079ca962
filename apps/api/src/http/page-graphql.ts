import { HeaderMap } from '@apollo/server';
import type { ApolloDriver } from '@nestjs/apollo';
import { Inject, Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { GraphQLModule } from '@nestjs/graphql';
import { newId } from '#kernel';
import { type GraphQLContext, VIEWER_RESOLVER, type ViewerResolver, currentRequestId } from '#platform';
import { makeContext, sessionSecretOf } from '../graphql/graphql.options.js';

/** What a page gets for an operation: the answer, and cookies to pass on. */
export interface PageAnswer {
  readonly data?: unknown;
  readonly errors?: unknown[];
  readonly setCookies: string[];
}

/**
 * Asks GraphQL for a page that is rendered in this process, as the browser that asked for the page. The operation takes
 * the way of one that came by HTTP (limits, access, mask, compiled queries), so a page can show nothing that the API
 * would not; only the connection is saved, and with it the trouble of reaching oneself while draining.
 */
@Injectable()
export class PageGraphql {
  constructor(
    private readonly modules: ModuleRef,
    @Inject(VIEWER_RESOLVER) private readonly viewers: ViewerResolver,
  ) {}

  async ask(query: string, variables: object, headers: { cookie?: string }): Promise<PageAnswer> {
    const { cookie } = headers;
    const setCookies: string[] = [];
    const context = async (): Promise<GraphQLContext> =>
      makeContext(await this.viewers.resolve({ cookie }), {
        requestId: currentRequestId() ?? newId(),
        secret: sessionSecretOf(undefined, cookie),
        setCookie: (value) => setCookies.push(value),
      });
    const driver = this.modules.get<GraphQLModule<ApolloDriver>>(GraphQLModule, { strict: false }).graphQlAdapter;
    const { body } = await driver.instance.executeHTTPGraphQLRequest({
      httpGraphQLRequest: {
        method: 'POST',
        headers: new HeaderMap([
          ['content-type', 'application/json'],
          ['accept', 'application/json'],
        ]),
        search: '',
        // By way of JSON, as over HTTP: what is undefined is not there.
        body: JSON.parse(JSON.stringify({ query, variables })) as unknown,
      },
      context,
    });
    if (body.kind !== 'complete') throw new Error('a page got an answer in parts');
    return { ...(JSON.parse(body.string) as object), setCookies };
  }
}
