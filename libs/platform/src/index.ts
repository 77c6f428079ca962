// The door of the platform. Runtime plumbing first, then what every room's GraphQL layer is built from.
export { Config, ConfigError, findPackageRoot } from './config.js';
export { createDataSource, explainConnectionFailure, migrationsDigest } from './database.js';
export { type Tx, UnitOfWork } from './unit-of-work.js';
export { type DomainEvent, type DomainEventInput, EVENT_CHANNEL, OUTBOX_CHANNEL, eventsByIds } from './outbox.js';
export { type Delivery, OutboxRelay, PUBLIC_RECORD, type PublicRecord } from './relay.js';
export { type Clockwork, ClockworkTask, type EventSubscriber, Handlers, Subscriber } from './handlers.js';
export { GroupCommitter } from './group-committer.js';
export { DigestMismatch, FileStore } from './file-store.js';
export { type Logger, createLogger, currentRequestId, withRequestScope } from './logger.js';
export { Health } from './health.js';
export { Metrics } from './metrics.js';
export { type InvariantCheck, type InvariantResult } from './invariant.js';
export { CLOCK, LOGGER } from './tokens.js';
export { PlatformModule } from './platform.module.js';
export { EventFeed, announce } from './event-feed.js';
export { follow } from './follow.js';
export { freePort } from './free-port.js';
export { type QueueRedis, createQueueClient, openQueueRedis } from './queue.js';
export {
  ANONYMOUS,
  type PlatformRole,
  SCOPES,
  type Scope,
  VIEWER_RESOLVER,
  type Viewer,
  type ViewerResolver,
} from './viewer.js';
export { Access, type AccessRule, CurrentViewer, denial, guardRootFields } from './graphql/access.js';
export { type GraphQLContext } from './graphql/context.js';
export { loaderOf } from './graphql/request.loader.js';
export { BigIntScalar, DateTimeScalar, JsonScalar, UrlScalar } from './graphql/scalars.js';
export {
  AFTER_ARG,
  Connection,
  type ConnectionShape,
  FIRST_ARG,
  GpuTime,
  Money,
  NodeInterface,
  PageInfo,
  UserError,
  toConnection,
  toUserErrors,
} from './graphql/types.js';
export { CursorKey } from './graphql/pages.js';
export { askedId, fromGlobalId, parseGlobalId, toGlobalId } from './graphql/global-id.js';
export { NODE_LOOKUP, NodeLookup, type NodeSource } from './graphql/node-lookup.js';
export { type Running, runProcess } from './process.js';
export { type StopTelemetry, startTelemetry } from './telemetry.js';
