import { statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isRefused } from '#kernel';
import { SIGNATURE_WINDOW_MS } from '#protocol';
import type { AgentConfig } from '../agent.config.js';
import { detectInventory } from '../inventory/inventory.reader.js';
import { WorkloadRegistry } from '../launch/workload.registry.js';
import { NodeStore } from '../session/node.store.js';

interface Finding {
  level: 'ok' | 'note' | 'bad';
  text: string;
}

const MIN_FREE_BYTES = 2 * 1024 ** 3;
const MIN_NODE_MAJOR = 20;
const ok = (text: string): Finding => ({ level: 'ok', text });
const note = (text: string): Finding => ({ level: 'note', text });
const bad = (text: string): Finding => ({ level: 'bad', text });

/** `agent doctor`: looks at everything that a donation needs, changes nothing. Exit code 1 when something is bad. */
export async function doctorCommand(config: AgentConfig): Promise<number> {
  const findings = [
    ...home(config),
    runtime(),
    ...workloads(config),
    ...(await devices(config)),
    ...(await platform(config)),
  ];
  const mark = { ok: 'ok  ', note: 'note', bad: 'BAD ' };
  for (const { level, text } of findings) process.stdout.write(`${mark[level]}  ${text}\n`);
  return findings.some((finding) => finding.level === 'bad') ? 1 : 0;
}

function runtime(): Finding {
  const major = Number(process.versions.node.split('.')[0]);
  return major >= MIN_NODE_MAJOR
    ? ok(`Node ${process.versions.node}`)
    : bad(`Node ${process.versions.node} is too old: install ${MIN_NODE_MAJOR} or later`);
}

function home(config: AgentConfig): Finding[] {
  const store = new NodeStore(config.home);
  const prepared = store.prepare();
  if (isRefused(prepared)) return [bad(`${prepared.first.message} ${prepared.first.detail ?? ''}`)];
  const findings = [ok(`home ${config.home} can be written`)];
  const { bavail, bsize } = statfsSync(config.home);
  const free = bavail * bsize;
  const gib = (free / 1024 ** 3).toFixed(1);
  findings.push(
    free >= MIN_FREE_BYTES
      ? ok(`${gib} GiB free for checkpoints`)
      : bad(`only ${gib} GiB free: checkpoints need at least 2 GiB`),
  );
  const node = store.node();
  if (!node) return [...findings, note('not joined yet')];
  findings.push(ok(`joined ${node.server} as node ${node.nodeId}`));
  if (process.platform !== 'win32' && (statSync(join(config.home, 'key.json')).mode & 0o077) !== 0) {
    findings.push(bad(`the key can be read by others: chmod 600 ${join(config.home, 'key.json')}`));
  }
  return findings;
}

function workloads(config: AgentConfig): Finding[] {
  const registry = new WorkloadRegistry(config.workloadsDir, config.installRoot);
  const names = registry.names();
  if (names.length === 0)
    return [bad(`no workload is installed in ${config.workloadsDir}: say where they are with --workloads`)];
  return names.map((name) => {
    const workload = registry.find(name);
    return isRefused(workload)
      ? bad(`${workload.first.message} ${workload.first.detail ?? ''}`)
      : ok(`workload ${name} (${workload.driver})`);
  });
}

async function devices(config: AgentConfig): Promise<Finding[]> {
  const inventory = await detectInventory({ python: config.python });
  if (isRefused(inventory)) return [bad(`${inventory.first.message} ${inventory.first.detail ?? ''}`)];
  const torch = inventory.host?.torch;
  return [
    ok(`lends ${inventory.count} x ${inventory.class} (${inventory.source})`),
    torch
      ? ok(`PyTorch ${torch} at ${config.python}`)
      : note(`no PyTorch at ${config.python}: torchrun workloads cannot run here`),
  ];
}

async function platform(config: AgentConfig): Promise<Finding[]> {
  const server = config.server ?? new NodeStore(config.home).node()?.server;
  if (!server) return [note('no platform named: check one with --server URL')];
  try {
    const before = Date.now();
    const response = await fetch(new URL('/health/live', server), { signal: AbortSignal.timeout(5_000) });
    if (!response.ok) return [bad(`${server} answers ${response.status} on /health/live`)];
    const theirs = Date.parse(response.headers.get('date') ?? '');
    const skewMs = Number.isNaN(theirs) ? 0 : theirs - (before + Date.now()) / 2;
    const seconds = Math.round(Math.abs(skewMs) / 1000);
    const clock =
      Math.abs(skewMs) > SIGNATURE_WINDOW_MS / 2
        ? note(`this clock is ${seconds} s off; the agent corrects for it, but set it right`)
        : ok('clock agrees with the platform');
    return [ok(`${server} answers`), clock];
  } catch (error) {
    return [bad(`${server} does not answer: ${((error as { cause?: Error }).cause ?? (error as Error)).message}`)];
  }
}
