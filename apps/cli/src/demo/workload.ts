import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { StartError } from '../up/home.js';

export interface ChosenWorkload {
  readonly name: string;
  readonly driver: string;
  readonly defaults: Record<string, unknown>;
  /** Why this one, for the person who watches. */
  readonly why: string;
}

const PYTHON = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';

/**
 * The training of the main job: in PyTorch by real torchrun where PyTorch is found, else the same model in TypeScript.
 * Both have the same parameters, first weights and batches, so the rest of the main job is the same.
 */
export function chooseWorkload(packageRoot: string, wanted: string | undefined): ChosenWorkload {
  const torch =
    wanted === undefined && spawnSync(PYTHON, ['-c', 'import torch; torch.zeros(1)'], { stdio: 'ignore' }).status === 0;
  const name = wanted ?? (torch ? 'tiny-lm-torch' : 'tiny-lm');
  const file = join(packageRoot, 'workloads', name, 'workload.json');
  if (!/^[\w-]+$/.test(name) || !existsSync(file)) {
    throw new StartError(`There is no workload "${name}"; use tiny-lm or tiny-lm-torch.`);
  }
  const { driver, defaults } = JSON.parse(readFileSync(file, 'utf8')) as Omit<ChosenWorkload, 'name' | 'why'>;
  const found = torch ? 'PyTorch is here, so torchrun trains' : 'PyTorch is not here, so the TypeScript trainer trains';
  return { name, driver, defaults, why: wanted === undefined ? found : 'as asked' };
}
