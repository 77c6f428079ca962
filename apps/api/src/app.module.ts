import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { Module } from '@nestjs/common';
import { APP_FILTER, DiscoveryModule } from '@nestjs/core';
import { GraphQLModule } from '@nestjs/graphql';
import { IdentityModule } from '#identity';
import type { Clock } from '#kernel';
import {
  CLOCK,
  LOGGER,
  type Logger,
  Metrics,
  PlatformModule,
  UnitOfWork,
  VIEWER_RESOLVER,
  type ViewerResolver,
} from '#platform';
import { INVARIANTS } from '../../invariants.js';
import { graphqlOptions } from './graphql/graphql.options.js';
import { InvariantBoard, InvariantsResolver } from './graphql/invariants.resolver.js';
import { NodeResolver, NodeSources } from './graphql/node.resolver.js';
import { PagesModule } from './http/dashboard.js';
import { ErrorFilter } from './http/error.filter.js';
import { HealthController } from './http/health.controller.js';
import { SchemaController } from './http/schema.controller.js';
import { ROOM_MODULES } from '../../rooms.js';

@Module({
  imports: [
    DiscoveryModule,
    PlatformModule.forRoot({ processName: 'api', entities: [] }),
    GraphQLModule.forRootAsync<ApolloDriverConfig>({
      driver: ApolloDriver,
      imports: [IdentityModule],
      inject: [VIEWER_RESOLVER, LOGGER, Metrics],
      useFactory: (viewers: ViewerResolver, logger: Logger, metrics: Metrics) =>
        graphqlOptions(viewers, logger, metrics),
    }),
    ...ROOM_MODULES,
    PagesModule,
  ],
  controllers: [HealthController, SchemaController],
  providers: [
    NodeResolver,
    NodeSources,
    InvariantsResolver,
    {
      provide: InvariantBoard,
      inject: [UnitOfWork, CLOCK],
      useFactory: (uow: UnitOfWork, clock: Clock) => new InvariantBoard(uow, clock, INVARIANTS),
    },
    { provide: APP_FILTER, useClass: ErrorFilter },
  ],
})
export class AppModule {}
