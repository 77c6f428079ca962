import { AsyncLocalStorage } from 'node:async_hooks';
import { type Logger as PinoLogger, pino } from 'pino';
import type { Config } from './config.js';

export type Logger = PinoLogger;

/** What every log line of one request or job carries. */
export interface RequestScope {
  readonly requestId: string;
}

const scope = new AsyncLocalStorage<RequestScope>();

/** Runs the body so that each log line written inside carries the request id. */
export const withRequestScope = <T>(value: RequestScope, body: () => T): T => scope.run(value, body);

export const currentRequestId = (): string | undefined => scope.getStore()?.requestId;

/** Structured logs, one JSON object a line, on standard output. Secrets are cut out by name. */
export const createLogger = (config: Pick<Config, 'logLevel'>, name: string): Logger =>
  pino({
    name,
    level: config.logLevel,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: ['req.headers.authorization', 'req.headers.cookie', '*.clientSecret', '*.token', '*.secretKey'],
    mixin: () => {
      const store = scope.getStore();
      return store ? { requestId: store.requestId } : {};
    },
  });
