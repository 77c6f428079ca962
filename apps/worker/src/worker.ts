import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { Config, LOGGER, type Logger, type Running, openQueueRedis } from '#platform';
import { Clocks } from './clocks.js';
import { Deliveries } from './deliveries.js';
import { Observation } from './observation.js';
import { RelayLoop } from './relay-loop.js';
import { WorkerModule } from './worker.module.js';

const STEP_MS = 5_000;

/** Starts relay, queue processors and clocks. Stops them in the order in which they feed each other. */
export async function startWorker(): Promise<Running> {
  const app = await NestFactory.createApplicationContext(WorkerModule, {
    logger: false,
    // Errors at start are the caller's to word; Nest would end the process without a line.
    abortOnError: false,
  });
  const logger = app.get<Logger>(LOGGER);
  const redis = await openQueueRedis(app.get(Config), logger);
  const deliveries = app.get(Deliveries);
  const relay = app.get(RelayLoop);
  const clocks = app.get(Clocks);
  const observation = app.get(Observation);
  await observation.listen();
  deliveries.start(redis);
  relay.start();
  clocks.start();
  logger.info({ queue: redis.kind }, 'worker is up');
  return {
    close: async () => {
      observation.startDraining();
      // A step that hangs (a Redis that is away) must not keep the next ones from being taken.
      for (const step of [
        () => clocks.stop(),
        () => relay.stop(),
        () => deliveries.close(),
        () => redis.close(),
        () => observation.close(),
      ]) {
        await Promise.race([step(), new Promise((resolve) => setTimeout(resolve, STEP_MS).unref())]);
      }
      await app.close();
    },
  };
}
