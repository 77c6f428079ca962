import { NestFactory } from '@nestjs/core';
import type { Type } from '@nestjs/common';
import { GraphQLSchemaBuilderModule, GraphQLSchemaFactory } from '@nestjs/graphql';
import { type GraphQLSchema, lexicographicSortSchema, printSchema } from 'graphql';
import { SCHEMA_OPTIONS } from './graphql/graphql.options.js';
import { InvariantsResolver } from './graphql/invariants.resolver.js';
import { NodeResolver } from './graphql/node.resolver.js';
import { ROOM_MODULES } from '../../rooms.js';

/** The schema of the API, built without a database. */
export async function buildApiSchema(): Promise<GraphQLSchema> {
  const app = await NestFactory.create(GraphQLSchemaBuilderModule, { logger: false, abortOnError: false });
  await app.init();
  const schema = await app.get(GraphQLSchemaFactory).create(resolverClasses(), {
    ...SCHEMA_OPTIONS.buildSchemaOptions,
    orphanedTypes: [],
  });
  await app.close();
  return lexicographicSortSchema(schema);
}

/** The same as text, as `schema.graphql` holds it. */
export const printApiSchema = async (): Promise<string> =>
  `# Printed by "npm run schema" from the code; CI fails when it drifts.\n\n${printSchema(await buildApiSchema())}\n`;

/** Every resolver class among the providers of the rooms and the modules that they import. */
function resolverClasses(): Type[] {
  const found = new Set<Type>([NodeResolver, InvariantsResolver]);
  const visited = new Set<unknown>();
  const visit = (module: unknown): void => {
    if (visited.has(module) || typeof module !== 'function') return;
    visited.add(module);
    for (const imported of (Reflect.getMetadata('imports', module) as unknown[] | undefined) ?? []) visit(imported);
    for (const provider of (Reflect.getMetadata('providers', module) as unknown[] | undefined) ?? []) {
      if (typeof provider === 'function' && Reflect.hasMetadata('graphql:resolver_type', provider))
        found.add(provider as Type);
    }
  };
  for (const module of ROOM_MODULES) visit(module);
  return [...found];
}
