export { ProvenanceModule } from './provenance.module.js';
export { Checkpoints } from './checkpoints.js';
export { CheckpointQueries } from './checkpoint.queries.js';
export { Checkpoint } from './graphql/checkpoint.type.js';
export { provenanceInvariants } from './provenance.invariants.js';
