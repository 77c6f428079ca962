import { refuse, type Outcome } from '#kernel';
import type { messages } from '#protocol';
import type { InstalledWorkload } from './workload.registry.js';

export interface LaunchPlan {
  command: string;
  args: string[];
  env: Record<string, string>;
}

export interface LaunchPlace {
  nodeId: string;
  leaseId: string;
  token: number;
  configPath: string;
  outDir: string;
  restoreDir: string | null;
  homeDir: string;
  python: string;
  nodeBinary: string;
  lentCores: number;
  passedOn: Readonly<Record<string, string>>;
}

/** Variables by which a platform could make another program run than the installed one. */
const STEERING =
  /^(LD_|DYLD_|NODE_|PYTHON|PATH$|HOME$|TMPDIR$|CW_|PET_|TORCHELASTIC_|MASTER_|RANK$|WORLD_SIZE$|LOCAL_|BASH_|ENV$|IFS$)/;

/**
 * Command line and environment of one gang member. Pure.
 *  process:  one process, RANK = the node's rank.
 *  torchrun: static rendezvous; torchrun itself numbers the ranks of its workers and sets their environment.
 *            Underscores in its flags are read by every release; `--redirects 1 --tee 1` because the default of
 *            PyTorch 1.13 breaks under Python 3.11.
 */
export function planLaunch(
  spec: messages.LaunchSpec,
  workload: InstalledWorkload,
  place: LaunchPlace,
): Outcome<LaunchPlan> {
  const refused = Object.keys(spec.env).filter((name) => STEERING.test(name));
  if (refused.length > 0) {
    return refuse({
      code: 'AGENT_LAUNCH_ENV_REFUSED',
      message: `The launch wants to set ${refused.join(', ')}.`,
      hint: 'Such variables could make another program run than the one installed; leave them out of the recipe.',
    });
  }
  if (spec.driver !== workload.driver) {
    return refuse({
      code: 'AGENT_DRIVER_MISMATCH',
      message: `The workload ${workload.name} runs by ${workload.driver}, not by ${spec.driver}.`,
      hint: 'Correct the driver of the recipe.',
    });
  }
  if (spec.rank >= spec.worldSize) {
    return refuse({
      code: 'AGENT_RANK_INVALID',
      message: `Rank ${spec.rank} does not exist in a gang of ${spec.worldSize}.`,
    });
  }
  const env: Record<string, string> = {
    ...place.passedOn,
    ...spec.env,
    HOME: place.homeDir,
    TMPDIR: place.homeDir,
    OMP_NUM_THREADS: String(place.lentCores),
    PYTHONUNBUFFERED: '1',
    MASTER_ADDR: spec.masterAddr,
    MASTER_PORT: String(spec.masterPort),
    CW_RUN_ID: spec.runId,
    CW_ATTEMPT_ID: spec.attemptId,
    CW_LEASE_ID: place.leaseId,
    CW_LEASE_TOKEN: String(place.token),
    CW_NODE_ID: place.nodeId,
    CW_CONFIG: place.configPath,
    CW_OUT_DIR: place.outDir,
    ...(workload.data ? { CW_DATA: workload.data } : {}),
    ...(place.restoreDir ? { CW_RESTORE_DIR: place.restoreDir } : {}),
  };
  if (workload.driver === 'torchrun') {
    const flags = {
      nnodes: spec.worldSize,
      nproc_per_node: spec.localWorldSize,
      node_rank: spec.rank,
      master_addr: spec.masterAddr,
      master_port: spec.masterPort,
      max_restarts: 0,
    };
    const options = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, String(value)]);
    const logging = ['--redirects', '1', '--tee', '1', '--log_dir', `${place.outDir}/torchrun`];
    return {
      command: place.python,
      args: ['-m', 'torch.distributed.run', ...options, ...logging, workload.entry],
      env,
    };
  }
  if (spec.localWorldSize !== 1) {
    return refuse({
      code: 'AGENT_DRIVER_LOCAL_SIZE',
      message: `The driver process starts one process a node, not ${spec.localWorldSize}.`,
      hint: 'Use the driver torchrun, or localWorldSize 1.',
    });
  }
  Object.assign(env, {
    RANK: String(spec.rank),
    WORLD_SIZE: String(spec.worldSize),
    LOCAL_RANK: '0',
    LOCAL_WORLD_SIZE: '1',
  });
  const command = workload.entry.endsWith('.py')
    ? place.python
    : /\.[cm]?js$/.test(workload.entry)
      ? place.nodeBinary
      : workload.entry;
  return { command, args: command === workload.entry ? [] : [workload.entry], env };
}
