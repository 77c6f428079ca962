import { setTimeout as sleep } from 'node:timers/promises';
import { isRefused, refuse } from '#kernel';
import { messages } from '#protocol';
import type { AgentConfig } from '../agent.config.js';
import { NodeStore, isAlive } from '../session/node.store.js';
import { PlatformClient, endpoint } from '../session/platform.client.js';
import { say, sayRefusals, table } from '../terminal.js';

const NOT_JOINED = refuse({
  code: 'AGENT_NOT_JOINED',
  message: 'This home has not joined a platform.',
  hint: 'Join with: agent join --server URL --token TOKEN',
});

/** `agent status`. Exit code 0 when an agent runs here, 3 when none does. */
export function statusCommand(config: AgentConfig, flags: { json?: boolean }): number {
  const store = new NodeStore(config.home);
  const [node, status] = [store.node(), store.status()];
  if (!node) {
    sayRefusals(NOT_JOINED.refusals);
    return 1;
  }
  if (flags.json === true) process.stdout.write(`${JSON.stringify({ node, running: status }, null, 2)}\n`);
  else {
    const lines = [`node ${node.nodeId} (${node.name}${node.region ? `, ${node.region}` : ''}) of ${node.server}`];
    if (!status) lines.push('not running; start it with: agent run');
    else {
      lines.push(
        `${status.state}, process ${status.pid} since ${status.startedAt}, last answer ${status.lastAnswerAt ?? 'none yet'}`,
      );
      const rows = status.leases.map((lease) => [
        lease.leaseId,
        lease.phase,
        lease.step === null ? '-' : String(lease.step),
        `${Math.round(lease.busyMs / 1000)} s`,
      ]);
      lines.push(rows.length > 0 ? table([['LEASE', 'PHASE', 'STEP', 'BUSY'], ...rows]) : 'no lease now');
    }
    process.stdout.write(`${lines.join('\n')}\n`);
  }
  return status ? 0 : 3;
}

/** `agent drain`: asks the running agent to finish and leave, and waits for it. */
export async function drainCommand(config: AgentConfig, flags: { waitSeconds: number }): Promise<number> {
  const store = new NodeStore(config.home);
  if (!store.node()) {
    sayRefusals(NOT_JOINED.refusals);
    return 1;
  }
  const status = store.status();
  if (!status) {
    say('No agent runs here, so nothing has to drain.');
    return 0;
  }
  process.kill(status.pid, 'SIGTERM');
  say(`Asked process ${status.pid} to drain; waiting up to ${flags.waitSeconds} s.`);
  for (const until = Date.now() + flags.waitSeconds * 1_000; Date.now() < until; await sleep(200)) {
    if (!isAlive(status.pid)) {
      say('Drained.');
      return 0;
    }
  }
  sayRefusals([
    {
      code: 'AGENT_DRAIN_SLOW',
      message: `Process ${status.pid} is still draining.`,
      hint: 'Wait longer with --wait-seconds, or stop it at once by sending it a second SIGTERM.',
    },
  ]);
  return 1;
}

/** `agent leave`: drains, ends the enrolment on the platform, and forgets node and key. */
export async function leaveCommand(config: AgentConfig, flags: { waitSeconds: number }): Promise<number> {
  const store = new NodeStore(config.home);
  const node = store.node();
  if (!node) {
    sayRefusals(NOT_JOINED.refusals);
    return 1;
  }
  if (store.status()) {
    const drained = await drainCommand(config, flags);
    if (drained !== 0) return drained;
  }
  const key = store.key();
  if (isRefused(key)) {
    sayRefusals(key.refusals);
    return 1;
  }
  const answer = await new PlatformClient(node.server, node.nodeId, key).post(
    endpoint('/leave'),
    { retire: true },
    messages.Acknowledged,
  );
  const isGone = !answer.ok && !answer.away && ['AGENT_UNKNOWN_NODE', 'AGENT_NODE_RETIRED'].includes(answer.code);
  if (!answer.ok && !isGone) {
    const why = answer.away ? answer.why : `${answer.message} (${answer.code})`;
    sayRefusals([
      {
        code: 'AGENT_LEAVE_FAILED',
        message: 'The platform was not told.',
        detail: why,
        hint: 'Try again later; the key is kept until then.',
      },
    ]);
    return 1;
  }
  store.forget();
  say(`Node ${node.nodeId} has left ${node.server} for good. What it gave stays credited.`);
  return 0;
}
