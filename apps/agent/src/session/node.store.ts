import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { refuse, type Outcome } from '#kernel';
import { generateNodeKey, type NodeKey } from '#protocol';

const KeyFile = z.object({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: z.string(), d: z.string() });
const NodeFile = z.object({
  server: z.string(),
  nodeId: z.string(),
  name: z.string(),
  region: z.string().nullable(),
  joinedAt: z.string(),
});
export type NodeFile = z.infer<typeof NodeFile>;

const StatusFile = z.object({
  pid: z.int(),
  state: z.enum(['available', 'draining']),
  startedAt: z.string(),
  lastAnswerAt: z.string().nullable(),
  leases: z.array(
    z.object({
      leaseId: z.string(),
      runId: z.string().nullable(),
      phase: z.string(),
      step: z.int().nullable(),
      busyMs: z.int(),
    }),
  ),
});
export type StatusFile = z.infer<typeof StatusFile>;

/**
 * What the agent keeps on disk.
 *  1. The private key is made here, readable by its owner only, and never leaves the machine.
 *  2. Each file is replaced by rename, so that a crash leaves the old one or the new one.
 *  3. One agent at a time works in a home: a lock names the process that does.
 */
export class NodeStore {
  constructor(readonly home: string) {}

  prepare(): Outcome<void> {
    try {
      mkdirSync(this.home, { recursive: true, mode: 0o700 });
      this.write('.write-test', '');
      rmSync(join(this.home, '.write-test'));
    } catch (error) {
      return refuse({
        code: 'AGENT_HOME_UNUSABLE',
        message: `The agent cannot write to ${this.home}.`,
        detail: (error as Error).message,
        hint: 'Give another folder with --home, or free some space.',
      });
    }
  }

  /** The node's key; made on the first call. */
  key(): Outcome<NodeKey> {
    const path = join(this.home, 'key.json');
    if (!existsSync(path)) {
      const key = generateNodeKey();
      this.write('key.json', `${JSON.stringify({ kty: 'OKP', crv: 'Ed25519', ...key })}\n`, 0o600);
      return key;
    }
    if (process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
    const parsed = this.read('key.json', KeyFile);
    if (parsed) return { x: parsed.x, d: parsed.d };
    return refuse({
      code: 'AGENT_KEY_UNREADABLE',
      message: `${path} is not an Ed25519 key.`,
      hint: 'Restore it from a backup; or remove the folder and join again with a new token, as a new node.',
    });
  }

  node(): NodeFile | null {
    return this.read('node.json', NodeFile);
  }

  saveNode(node: NodeFile): void {
    this.write('node.json', `${JSON.stringify(node, null, 2)}\n`, 0o600);
  }

  /** Forgets node and key, so that the next join makes a new node. */
  forget(): void {
    for (const file of ['node.json', 'key.json', 'status.json']) rmSync(join(this.home, file), { force: true });
  }

  /** Status of the running agent, or null when none runs here. */
  status(): StatusFile | null {
    const status = this.read('status.json', StatusFile);
    return status && isAlive(status.pid) ? status : null;
  }

  saveStatus(status: StatusFile): void {
    this.write('status.json', JSON.stringify(status));
  }

  lock(): Outcome<void> {
    const path = join(this.home, 'agent.lock');
    for (let attempt = 0; attempt < 2; attempt++) {
      try {
        writeFileSync(path, String(process.pid), { flag: 'wx' });
        return;
      } catch {
        const holder = existsSync(path) ? Number(readFileSync(path, 'utf8')) : 0;
        if (holder !== process.pid && isAlive(holder)) {
          return refuse({
            code: 'AGENT_ALREADY_RUNNING',
            message: `An agent (process ${holder}) already works in ${this.home}.`,
            hint: 'Look at it with `agent status`, end it with `agent drain`, or give another folder with --home.',
          });
        }
        rmSync(path, { force: true });
      }
    }
  }

  unlock(): void {
    rmSync(join(this.home, 'agent.lock'), { force: true });
    rmSync(join(this.home, 'status.json'), { force: true });
  }

  private write(name: string, text: string, mode = 0o644): void {
    const path = join(this.home, name);
    writeFileSync(`${path}.${process.pid}`, text, { mode });
    renameSync(`${path}.${process.pid}`, path);
  }

  private read<T>(name: string, schema: z.ZodType<T>): T | null {
    try {
      return schema.parse(JSON.parse(readFileSync(join(this.home, name), 'utf8')));
    } catch {
      return null;
    }
  }
}

export function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
