import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';
import { z } from 'zod';
import { refuse, type Outcome } from '#kernel';

const Manifest = z.object({
  name: z.string(),
  driver: z.enum(['process', 'torchrun']),
  /** Program, looked up from the install root, then from the workload's folder. */
  entry: z.string(),
  /** Text to train on, looked up likewise; `npm:<package>/<path>` names a file of an installed package. */
  data: z.string().optional(),
  /** Hyper-parameters for what a launch leaves open. */
  defaults: z.record(z.string(), z.unknown()).default({}),
});

export interface InstalledWorkload {
  name: string;
  driver: 'process' | 'torchrun';
  entry: string;
  data: string | null;
  defaults: Readonly<Record<string, unknown>>;
}

/**
 * Workloads are what the donor installed, found by name. The platform can name one; it can never send a program.
 */
export class WorkloadRegistry {
  constructor(
    private readonly workloadsDir: string,
    private readonly installRoot: string,
  ) {}

  names(): string[] {
    if (!existsSync(this.workloadsDir)) return [];
    return readdirSync(this.workloadsDir).filter((name) => existsSync(join(this.workloadsDir, name, 'workload.json')));
  }

  find(name: string): Outcome<InstalledWorkload> {
    const folder = join(this.workloadsDir, name);
    const path = join(folder, 'workload.json');
    if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) || !existsSync(path)) {
      return refuse({
        code: 'AGENT_WORKLOAD_NOT_FOUND',
        message: `The workload ${name} is not installed on this node.`,
        detail: `Installed in ${this.workloadsDir}: ${this.names().join(', ') || 'none'}.`,
        hint: 'Update the agent, or say where the workloads are with --workloads.',
      });
    }
    try {
      const manifest = Manifest.parse(JSON.parse(readFileSync(path, 'utf8')));
      const entry = this.locate(folder, manifest.entry);
      if (!entry) throw new Error(`its entry ${manifest.entry} does not exist`);
      const data = manifest.data === undefined ? null : this.locate(folder, manifest.data);
      if (manifest.data !== undefined && !data) throw new Error(`its data ${manifest.data} does not exist`);
      return { name: manifest.name, driver: manifest.driver, entry, data, defaults: manifest.defaults };
    } catch (error) {
      return refuse({
        code: 'AGENT_WORKLOAD_DAMAGED',
        message: `The workload ${name} cannot be used.`,
        detail: (error as Error).message.slice(0, 500),
        hint: `Look at ${path}, and build or install the workload again.`,
      });
    }
  }

  private locate(folder: string, path: string): string | null {
    const candidates = path.startsWith('npm:')
      ? [join(this.installRoot, 'node_modules', path.slice(4))]
      : [resolve(this.installRoot, path), resolve(folder, path)];
    const inside = candidates.filter((candidate) =>
      [this.installRoot, folder].some((root) => candidate.startsWith(root + sep)),
    );
    return inside.find((candidate) => existsSync(candidate)) ?? null;
  }
}
