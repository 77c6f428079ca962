import { join } from 'node:path';
import { Module } from '@nestjs/common';
import { Config, PUBLIC_RECORD } from '#platform';
import { LogEntryLookup, LogResolver } from './graphql/log.resolver.js';
import { LogController } from './http/log.controller.js';
import { SigningKey } from './log/signing-key.js';
import { TransparencyLog } from './log/transparency-log.js';

/** Gives the platform's relay its public record, and everybody the log to read. */
@Module({
  controllers: [LogController],
  providers: [
    {
      provide: TransparencyLog,
      inject: [Config],
      useFactory: (config: Config) => {
        let key: Promise<SigningKey> | undefined;
        const load = (): Promise<SigningKey> =>
          SigningKey.load(join(config.home, 'keys', 'log.key'), `${config.publicUrl.host}/log`).catch(
            (error: unknown) => {
              // A failure isn't kept: the next caller reads the file again.
              key = undefined;
              throw error;
            },
          );
        return new TransparencyLog(() => (key ??= load()));
      },
    },
    { provide: PUBLIC_RECORD, useExisting: TransparencyLog },
    LogResolver,
    LogEntryLookup,
  ],
  exports: [TransparencyLog, PUBLIC_RECORD],
})
export class TransparencyModule {}
