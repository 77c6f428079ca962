import { Module } from '@nestjs/common';
import { IdentityModule } from '#identity';
import { CatalogCommands } from './catalog.commands.js';
import { CatalogQueries } from './catalog.queries.js';
import { DatasetLookup, RecipeLookup } from './graphql/catalog.lookup.js';
import { CatalogResolver } from './graphql/catalog.resolver.js';

/** What a training may use, and what it takes. */
@Module({
  imports: [IdentityModule],
  providers: [CatalogCommands, CatalogQueries, CatalogResolver, DatasetLookup, RecipeLookup],
  exports: [CatalogCommands, CatalogQueries],
})
export class CatalogModule {}
