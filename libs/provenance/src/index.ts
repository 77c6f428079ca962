export { ProvenanceModule } from './provenance.module.js';
export { Checkpoints } from './checkpoints.js';
export { CheckpointQueries } from './checkpoint.queries.js';
