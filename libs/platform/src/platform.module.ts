import { type DynamicModule, Global, Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { join } from 'node:path';
import { type Clock, systemClock } from '#kernel';
import { DataSource } from 'typeorm';
import { Config } from './config.js';
import { createDataSource } from './database.js';
import { EventFeed } from './event-feed.js';
import { FileStore } from './file-store.js';
import { Handlers } from './handlers.js';
import { Health } from './health.js';
import { createLogger } from './logger.js';
import { Metrics } from './metrics.js';
import { CLOCK, LOGGER } from './tokens.js';
import { UnitOfWork } from './unit-of-work.js';

/** Gives the connections back when everything that used them is over. */
@Injectable()
class DatabaseCloser implements OnApplicationShutdown {
  constructor(private readonly dataSource: DataSource) {}

  async onApplicationShutdown(): Promise<void> {
    if (this.dataSource.isInitialized) await this.dataSource.destroy();
  }
}

/** How things run here. One per process; every other room gets its database, clock, files and settings from it. */
@Global()
@Module({})
export class PlatformModule {
  static forRoot(options: {
    processName: string;
    entities: readonly (new () => object)[];
    config?: Config;
    /** Another time than the system's, for tests and simulations. */
    clock?: Clock;
  }): DynamicModule {
    return {
      module: PlatformModule,
      imports: [DiscoveryModule],
      providers: [
        { provide: Config, useFactory: () => options.config ?? new Config() },
        { provide: CLOCK, useValue: options.clock ?? systemClock },
        {
          provide: LOGGER,
          inject: [Config],
          useFactory: (config: Config) => createLogger(config, options.processName),
        },
        { provide: Metrics, useFactory: () => new Metrics() },
        {
          provide: DataSource,
          inject: [Config],
          useFactory: (config: Config) =>
            createDataSource({
              url: config.databaseUrl,
              poolSize: config.databasePool,
              packageRoot: config.packageRoot,
              entities: options.entities,
              applicationName: `commonweights-${options.processName}`,
            }).initialize(),
        },
        {
          provide: UnitOfWork,
          inject: [DataSource, CLOCK, Metrics],
          useFactory: (dataSource: DataSource, clock: Clock, metrics: Metrics) =>
            new UnitOfWork(dataSource, clock, (unit) => metrics.transactionRetries.inc({ unit })),
        },
        {
          provide: FileStore,
          inject: [Config],
          useFactory: (config: Config) => new FileStore(join(config.home, 'files')),
        },
        Handlers,
        Health,
        EventFeed,
        DatabaseCloser,
      ],
      exports: [
        Config,
        CLOCK,
        LOGGER,
        Metrics,
        DataSource,
        UnitOfWork,
        FileStore,
        Handlers,
        Health,
        EventFeed,
        DiscoveryModule,
      ],
    };
  }
}
