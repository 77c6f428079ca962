import { refuse, type Refused } from '#kernel';

/** Everything that this room refuses, with what would be right, and the HTTP status that an agent gets. */
const REFUSALS = {
  AGENT_BODY_INVALID: {
    status: 422,
    message: 'The message is not of the form that the protocol asks for.',
    hint: 'Update the agent.',
  },
  AGENT_DIGEST_MISMATCH: {
    status: 400,
    message: 'The body is not the one that was signed.',
    hint: 'Sign the bytes that are sent, and let no proxy change them.',
  },
  AGENT_JOIN_TOKEN_EXPIRED: {
    status: 403,
    message: 'The join token has expired.',
    hint: 'Make a new one; it is good for 24 hours.',
  },
  AGENT_JOIN_TOKEN_UNKNOWN: {
    status: 403,
    message: 'There is no such join token.',
    hint: 'Copy the whole token, or make a new one on the page "Donate compute".',
  },
  AGENT_JOIN_TOKEN_USED: {
    status: 403,
    message: 'The join token was used by another node.',
    hint: 'Each node needs a token of its own: make a new one.',
  },
  AGENT_KEY_KNOWN: {
    status: 409,
    message: 'The key belongs to a node that has joined before.',
    hint: 'Use another --home for another node, or go on as the old one with agent run.',
  },
  AGENT_NODE_RETIRED: {
    status: 403,
    message: 'The node has left for good.',
    hint: 'Join again with a new token and a new key.',
  },
  AGENT_PROTOCOL_UNSUPPORTED: {
    status: 426,
    message: 'The agent speaks another version of the protocol.',
    hint: 'Update the agent to the version that this platform offers.',
  },
  AGENT_REPLAYED: {
    status: 401,
    message: 'A request with this nonce has been seen already.',
    hint: 'Sign every request anew.',
  },
  AGENT_SIGNATURE_INVALID: {
    status: 401,
    message: 'The signature was not made by this node, or the request was changed on the way.',
    hint: 'Sign with the key that the node joined with.',
  },
  AGENT_SIGNATURE_LATE: {
    status: 401,
    message: "The signature's time is too far from the platform's clock.",
    hint: 'Set the clock of this machine.',
  },
  AGENT_SIGNATURE_MALFORMED: {
    status: 401,
    message: 'The signature is not of the form that the protocol asks for.',
    hint: 'See libs/protocol/README.md.',
  },
  AGENT_SIGNATURE_MISSING: {
    status: 401,
    message: 'The request is not signed.',
    hint: 'Every request of an agent is signed: see libs/protocol/README.md.',
  },
  AGENT_UNKNOWN_NODE: { status: 401, message: 'There is no node with this id.', hint: 'Join with a token first.' },
  NODE_APPEAL_NONE: {
    status: 409,
    message: 'No appeal of this node waits to be decided.',
    hint: 'Look at the node: it may have been decided meanwhile.',
  },
  NODE_APPEAL_OWN: {
    status: 403,
    message: 'Nobody decides an appeal of his own node.',
    hint: 'Ask another operator.',
  },
  NODE_APPEAL_PENDING: {
    status: 409,
    message: 'An appeal of this node waits to be decided already.',
    hint: 'Wait for the decision.',
  },
  NODE_APPEAL_REASON_INVALID: {
    status: 422,
    message: 'The reason is too short or too long.',
    hint: 'Give 10 to 2000 characters; they are public.',
  },
  NODE_APPEAL_STATEMENT_INVALID: {
    status: 422,
    message: 'The statement is too short or too long.',
    hint: 'Say in 10 to 2000 characters what happened.',
  },
  NODE_CHALLENGE_COMMITTED: {
    status: 409,
    message: 'The node has committed to something else for this challenge.',
    hint: 'A commitment is made once: open that one.',
  },
  NODE_CHALLENGE_LATE: {
    status: 409,
    message: 'The commitment came too late for the class of accelerator that the node claims.',
    hint: 'See that nothing else uses the device; the next challenge comes by itself.',
  },
  NODE_CHALLENGE_OVER: {
    status: 409,
    message: 'The challenge is not at this stage.',
    hint: 'Go by what the next heartbeat says.',
  },
  NODE_CHALLENGE_UNKNOWN: {
    status: 404,
    message: 'This node has no such challenge.',
    hint: 'Go by what the next heartbeat says.',
  },
  NODE_HOURS_INVALID: {
    status: 422,
    message: 'The hours are not recurrences that can be used.',
    hint: 'Give RFC 5545 rules in UTC with a duration, for example FREQ=WEEKLY;BYDAY=SA,SU;BYHOUR=8 and 600 minutes; no window means always.',
  },
  NODE_JOIN_TOKEN_NAME_INVALID: {
    status: 422,
    message: 'The name is empty or too long.',
    hint: 'Give 1 to 80 characters, or none.',
  },
  NODE_NOT_FOUND: { status: 404, message: 'There is no node with this id.', hint: 'Take the id from the query nodes.' },
  NODE_NOT_YOURS: {
    status: 403,
    message: 'Only the owner of a node, or an operator, may do this.',
    hint: 'Sign in as its owner.',
  },
  NODE_NOT_QUARANTINED: {
    status: 409,
    message: 'The node is not in quarantine.',
    hint: 'Nothing has to be done.',
  },
  NODE_NOT_RUNNING: {
    status: 409,
    message: 'The node is not running, so it has nothing to drain.',
    hint: 'Nothing has to be done.',
  },
} as const satisfies Record<string, { status: number; message: string; hint: string }>;

export type NodesRefusal = keyof typeof REFUSALS;

export const refuseNode = (code: NodesRefusal, detail?: string, path?: readonly string[]): Refused => {
  const { message, hint } = REFUSALS[code];
  return refuse({ code, message, hint, ...(detail ? { detail } : {}), ...(path ? { path } : {}) });
};

/** HTTP status for a refusal's code; 409 for one of another room. */
export const httpStatus = (code: string): number => (code in REFUSALS ? REFUSALS[code as NodesRefusal].status : 409);
