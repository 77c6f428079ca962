import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { Config, LOGGER, type Logger, type Running, openQueueRedis } from '#platform';
import { Clocks } from './clocks.js';
import { Deliveries } from './deliveries.js';
import { RelayLoop } from './relay-loop.js';
import { WorkerModule } from './worker.module.js';

/** Starts relay, queue processors and clocks. Stops them in the order in which they feed each other. */
export async function startWorker(): Promise<Running> {
  const app = await NestFactory.createApplicationContext(WorkerModule, { logger: false });
  const logger = app.get<Logger>(LOGGER);
  const redis = await openQueueRedis(app.get(Config), logger);
  const deliveries = app.get(Deliveries);
  const relay = app.get(RelayLoop);
  const clocks = app.get(Clocks);
  deliveries.start(redis);
  relay.start();
  clocks.start();
  logger.info({ queue: redis.kind }, 'worker is up');
  return {
    close: async () => {
      await clocks.stop();
      await relay.stop();
      await deliveries.close();
      await redis.close();
      await app.close();
    },
  };
}
