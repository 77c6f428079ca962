export { TrainingModule } from './training.module.js';
export { type Promotion, Runs } from './runs.js';
export { Scheduler } from './scheduler.service.js';
export { type PromotedPoint, RESTORE_POINTS, type RestorePoints } from './restore-points.port.js';
export { liveLeaseSql } from './store/fence.sql.js';
export { type RunRow, type RunSpec } from './store/run.store.js';
export { RunQueries } from './run.queries.js';
export { Run } from './graphql/run.type.js';
export { toRun } from './graphql/run.mapper.js';
