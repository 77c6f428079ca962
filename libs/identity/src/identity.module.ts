import { Module } from '@nestjs/common';
import { VIEWER_RESOLVER } from '#platform';
import { IdentityCommands } from './commands.js';
import { Erasure } from './erasure.command.js';
import { ContributorLookup, ProjectLookup } from './graphql/identity.lookup.js';
import { IdentityResolver } from './graphql/identity.resolver.js';
import { IdentityQueries } from './queries.js';
import { DatabaseViewerResolver } from './viewer-resolver.js';

/** Who somebody is and may do. */
@Module({
  providers: [
    IdentityCommands,
    Erasure,
    IdentityQueries,
    IdentityResolver,
    ContributorLookup,
    ProjectLookup,
    { provide: VIEWER_RESOLVER, useClass: DatabaseViewerResolver },
  ],
  exports: [IdentityCommands, Erasure, IdentityQueries, VIEWER_RESOLVER],
})
export class IdentityModule {}
