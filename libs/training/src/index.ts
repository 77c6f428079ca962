export { TrainingModule } from './training.module.js';
export { Runs } from './runs.js';
export { type PromotedPoint, RESTORE_POINTS, type RestorePoints } from './restore-points.port.js';
export { liveLeaseSql } from './store/fence.sql.js';
export { RunQueries } from './run.queries.js';
export { Run } from './graphql/run.type.js';
export { toRun } from './graphql/run.mapper.js';
export { trainingInvariants } from './training.invariants.js';
