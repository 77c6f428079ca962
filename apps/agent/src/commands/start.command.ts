import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { isRefused, type Outcome } from '#kernel';
import { keyThumbprint, type messages } from '#protocol';
import type { AgentConfig } from '../agent.config.js';
import { ProcessorSolver, type Solver, TorchSolver } from '../challenge/solver.js';
import { detectInventory } from '../inventory/inventory.reader.js';
import { DEFAULT_DISK_LIMITS } from '../launch/disk.watch.js';
import { WorkloadRegistry } from '../launch/workload.registry.js';
import { AgentLoop } from '../session/agent.loop.js';
import { enrol } from '../session/enrolment.js';
import { NodeStore, type NodeFile } from '../session/node.store.js';
import { PlatformClient } from '../session/platform.client.js';
import { say, sayAt, sayRefusals } from '../terminal.js';

export interface StartFlags {
  name?: string;
  region?: string;
  address?: string;
  cpus?: number;
  cpuOnly?: boolean;
  diskGib?: number;
  drainSeconds: number;
  waitSeconds: number;
}

const FIRST_HEARTBEAT_MS = 2_000;

/** Makes the key, joins once, and returns the node with what it lends. */
async function ready(config: AgentConfig, store: NodeStore, flags: StartFlags) {
  const prepared = store.prepare();
  if (isRefused(prepared)) return prepared;
  const { cpus, cpuOnly } = flags;
  const inventory = await detectInventory({ python: config.python, cpus, cpuOnly });
  if (isRefused(inventory)) return inventory;
  const key = store.key();
  if (isRefused(key)) return key;
  // Not the host name: the name goes into the public record for ever, and host names are often people's.
  const ownName = `${inventory.class}-${keyThumbprint(key.x)
    .replace(/[^A-Za-z0-9]/g, '')
    .slice(0, 6)
    .toLowerCase()}`;
  const node: Outcome<NodeFile> = await enrol(store, {
    server: config.server,
    token: config.token,
    name: flags.name ?? ownName,
    region: flags.region ?? null,
    inventory,
    patienceMs: flags.waitSeconds * 1_000,
    say: sayAt,
  });
  return isRefused(node) ? node : { node, inventory };
}

/** `agent join`. Returns the exit code. */
export async function joinCommand(config: AgentConfig, flags: StartFlags): Promise<number> {
  const store = new NodeStore(config.home);
  const wasNode = store.node() !== null;
  const outcome = await ready(config, store, flags);
  if (isRefused(outcome)) {
    sayRefusals(outcome.refusals);
    return 1;
  }
  const { node, inventory } = outcome;
  say(
    wasNode
      ? `This home is node ${node.nodeId} (${node.name}) of ${node.server} already.`
      : `Joined ${node.server} as ${node.name}, node ${node.nodeId} (${inventory.count} x ${inventory.class}).`,
  );
  say('Start giving with: agent run');
  return 0;
}

/** `agent start` and `agent run`: joins when needed, then works until drained. Returns the exit code. */
export async function startCommand(config: AgentConfig, flags: StartFlags): Promise<number> {
  const store = new NodeStore(config.home);
  const outcome = await ready(config, store, flags);
  if (isRefused(outcome)) {
    sayRefusals(outcome.refusals);
    return 1;
  }
  const locked = store.lock();
  const key = store.key();
  for (const refused of [locked, key]) {
    if (isRefused(refused)) {
      sayRefusals(refused.refusals);
      return 1;
    }
  }
  if (isRefused(key)) return 1;
  const { node, inventory } = outcome;
  const loop = new AgentLoop({
    store,
    client: new PlatformClient(node.server, node.nodeId, key),
    nodeId: node.nodeId,
    address: flags.address ?? (await addressTowards(node.server)),
    heartbeatMs: FIRST_HEARTBEAT_MS,
    drainMs: flags.drainSeconds * 1_000,
    publicKey: Buffer.from(key.x, 'base64url'),
    solverFor: solvers(config, inventory),
    inventory,
    lentCores: flags.cpus ?? inventory.host?.cpuCores ?? 1,
    workloads: new WorkloadRegistry(config.workloadsDir, config.installRoot),
    python: config.python,
    passedOn: config.passedOn,
    disk:
      flags.diskGib === undefined
        ? DEFAULT_DISK_LIMITS
        : { ...DEFAULT_DISK_LIMITS, maxLeaseBytes: flags.diskGib * 1024 ** 3 },
    say: sayAt,
  });
  sayAt(
    `${node.name}, node ${node.nodeId}, lends ${inventory.count} x ${inventory.class} to ${node.server}; Ctrl-C drains, twice stops at once`,
  );
  let signals = 0;
  const onSignal = (): void => {
    signals += 1;
    if (signals === 1) loop.drain('you asked for it');
    else loop.stopNow();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  try {
    const end = await loop.run();
    if (end.kind === 'refused') {
      sayRefusals([{ code: end.code, message: end.message, ...(end.hint ? { hint: end.hint } : {}) }]);
      return 1;
    }
    sayAt(end.kind === 'left' ? 'drained and left; thank you' : 'stopped at once');
    return end.kind === 'left' ? 0 : 130;
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    store.unlock();
  }
}

/** GPUs are driven through PyTorch where there is one; everything else is worked out by the processor. */
function solvers(config: AgentConfig, inventory: messages.Inventory): (device: number, signal: AbortSignal) => Solver {
  const lent = inventory.devices.filter((device) => device.class === inventory.class);
  return (device, signal) => {
    const { vendor, index } = lent[device] ?? { vendor: 'cpu', index: 0 };
    if (vendor === 'cpu' || !inventory.host?.torch) return new ProcessorSolver(signal);
    const { python, installRoot, passedOn } = config;
    return new TorchSolver({ python, installRoot, device: `cuda:${index}`, env: passedOn });
  };
}

/** Our address on the way to the platform, which is where gang members of the same network reach us. Sends nothing. */
async function addressTowards(server: string): Promise<string> {
  const { hostname: host, port } = new URL(server);
  try {
    const { address, family } = await lookup(host.replace(/^\[|\]$/g, ''));
    const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject).connect(Number(port) || 443, address, resolve);
      });
      return socket.address().address;
    } finally {
      socket.close();
    }
  } catch {
    return '127.0.0.1';
  }
}
