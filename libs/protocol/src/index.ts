/** Version of the agent protocol; the platform refuses a join with another major version. */
export const PROTOCOL_VERSION = 1;
/** Base path of every endpoint. */
export const AGENT_BASE_PATH = '/agent/v1';

export * as messages from './messages.schema.js';
export {
  SIGNATURE_WINDOW_MS,
  generateNodeKey,
  keyThumbprint,
  readSignature,
  signRequest,
  type NodeKey,
  type SignatureClaim,
  type SignatureFault,
} from './agent-signature.js';
export { contentDigest, verifyContentDigest } from './content-digest.js';
export { challengeSeed, planFault, planOperations, type ChallengePlan } from './challenge/challenge.plan.js';
export { ChallengeProver, inBetween, type OpenedMatrix } from './challenge/challenge.prover.js';
export { verifyOpeningSteps } from './challenge/challenge.verifier.js';
