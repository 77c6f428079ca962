import { isRefused, refuse, type Outcome } from '#kernel';
import { PROTOCOL_VERSION, keyThumbprint, messages } from '#protocol';
import { AGENT_VERSION } from '../version.js';
import type { NodeFile, NodeStore } from './node.store.js';
import { PlatformClient, endpoint, untilAnswered } from './platform.client.js';

export interface EnrolmentInput {
  server: string | undefined;
  token: string | undefined;
  name: string;
  region: string | null;
  inventory: messages.Inventory;
  /** How long an absent platform is waited for. */
  patienceMs: number;
  say(line: string): void;
}

/**
 * Joins this home to a platform, or answers the node that it is already. Safe to repeat: the platform answers the same
 * node when the same key shows the same token again, so a lost answer costs nothing.
 */
export async function enrol(store: NodeStore, input: EnrolmentInput): Promise<Outcome<NodeFile>> {
  const existing = store.node();
  if (existing && (input.server === undefined || input.server === existing.server)) return existing;
  if (existing) {
    return refuse({
      code: 'AGENT_HOME_TAKEN',
      message: `${store.home} belongs to node ${existing.nodeId} of ${existing.server}.`,
      hint: 'Leave there first with `agent leave`, or give another folder with --home.',
    });
  }
  if (!input.server)
    return refuse({
      code: 'AGENT_SERVER_MISSING',
      message: 'No platform is named.',
      hint: 'Give its address with --server URL.',
    });
  if (!URL.canParse(input.server) || !/^https?:$/.test(new URL(input.server).protocol)) {
    return refuse({
      code: 'AGENT_SERVER_INVALID',
      message: `${input.server} is not an http or https address.`,
      hint: 'For example --server https://commonweights.example',
    });
  }
  if (!input.token) {
    return refuse({
      code: 'AGENT_TOKEN_MISSING',
      message: 'A join token is needed once.',
      hint: 'Make one on the page "Donate compute" and give it with --token TOKEN.',
    });
  }
  const key = store.key();
  if (isRefused(key)) return key;

  const client = new PlatformClient(input.server, keyThumbprint(key.x), key);
  const request: messages.JoinRequest = {
    protocolVersion: PROTOCOL_VERSION,
    joinToken: input.token,
    publicKey: key.x,
    name: input.name,
    region: input.region,
    agentVersion: AGENT_VERSION,
    inventory: input.inventory,
  };
  let hasSaid = false;
  const call = async () => {
    const answer = await client.post(endpoint('/join'), request, messages.JoinResponse);
    if (!answer.ok && answer.away && !hasSaid) input.say(`${answer.why}; waiting for it`);
    hasSaid ||= !answer.ok;
    return answer;
  };
  const answer = await untilAnswered(call, AbortSignal.timeout(input.patienceMs));
  if (!answer.ok && answer.away) {
    return refuse({
      code: 'AGENT_PLATFORM_AWAY',
      message: 'The platform cannot be reached.',
      detail: answer.why,
      hint: 'Check --server and your network, then try again.',
    });
  }
  if (!answer.ok)
    return refuse({ code: answer.code, message: answer.message, ...(answer.hint ? { hint: answer.hint } : {}) });
  const { server, region } = input;
  const { nodeId, name } = answer.value;
  const node: NodeFile = { server, nodeId, name, region, joinedAt: new Date().toISOString() };
  store.saveNode(node);
  return node;
}
