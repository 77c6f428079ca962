import 'reflect-metadata';
import type { Server } from 'node:http';
import { join } from 'node:path';
import { NestFactory } from '@nestjs/core';
import { GraphQLSchemaHost } from '@nestjs/graphql';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Config, EventFeed, LOGGER, type Logger, Metrics, VIEWER_RESOLVER, type ViewerResolver } from '#platform';
import { json, raw } from 'express';
import { AppModule } from './app.module.js';
import { LIMITS } from './graphql/limits.js';
import { serveSubscriptions } from './graphql/subscriptions.js';
import { dashboardFolder, serveAssets } from './http/dashboard.js';
import { drain } from './http/drain.js';
import { graphqlMedia } from './http/graphql-media.js';
import { HealthController } from './http/health.controller.js';
import { requestLog } from './http/request-log.js';

/** A running API: where it listens and how to stop it. */
export interface RunningApi {
  readonly url: string;
  close(): Promise<void>;
}

/** Starts the API and answers when it serves. */
export async function startApi(): Promise<RunningApi> {
  const app = await NestFactory.create<NestExpressApplication>(AppModule, {
    logger: false,
    // Errors at start are the caller's to word; Nest would end the process without a line.
    abortOnError: false,
    rawBody: true,
    bodyParser: false,
  });
  const config = app.get(Config);
  const logger = app.get<Logger>(LOGGER);
  const express = app.getHttpAdapter().getInstance();
  express.disable('x-powered-by');
  express.set('trust proxy', 'loopback');
  app.use(requestLog(logger, app.get(Metrics)));
  app.use('/graphql', graphqlMedia);
  app.use('/graphql', json({ limit: LIMITS.bodyBytes, verify: keepRaw }));
  // Signatures are over bytes, so the bytes stay at hand; uploads of checkpoints are streams and are not parsed.
  app.use('/stripe', raw({ type: () => true, limit: '1mb', verify: keepRaw }));
  app.use('/agent', json({ limit: '8mb', verify: keepRaw }));
  // Forms of pages without scripts.
  app.use(raw({ type: 'application/x-www-form-urlencoded', limit: '64kb', verify: keepRaw }));
  app.use('/assets', serveAssets(join(dashboardFolder(config), 'client')));
  await app.init();
  const server = app.getHttpServer() as Server;
  // Headers come at once; a body (a checkpoint over a slow line) may take long, but has to keep coming.
  server.headersTimeout = 20_000;
  server.requestTimeout = 0;
  server.timeout = 120_000;
  const subscriptions = serveSubscriptions(
    server,
    app.get(GraphQLSchemaHost).schema,
    app.get<ViewerResolver>(VIEWER_RESOLVER),
    logger,
    config.publicUrl.origin,
  );
  // Before the first subscription can be made, so that it misses nothing.
  await app.get(EventFeed).ready();
  await app.listen(config.port, config.host);
  logger.info({ port: config.port, host: config.host }, 'api is up');
  return {
    url: `http://${config.host}:${config.port}`,
    close: async () => {
      app.get(HealthController).startDraining();
      await new Promise((resolve) => setTimeout(resolve, config.drainNoticeMs));
      // Requests under way need GraphQL and the database, which `app.close` takes away.
      await Promise.all([drain(server), subscriptions.close()]);
      await app.close();
    },
  };
}

const keepRaw = (req: object, _res: object, body: Buffer): void => {
  (req as { rawBody?: Buffer }).rawBody = body;
};
