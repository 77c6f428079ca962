import { describe, expect, it } from 'vitest';
import { isRefused } from '#kernel';
import type { messages } from '#protocol';
import { type LaunchPlace, planLaunch } from './launch.plan.js';
import type { InstalledWorkload } from './workload.registry.js';

const spec: messages.LaunchSpec = {
  runId: '0190b6a0-0000-7000-8000-000000000001',
  attemptId: '0190b6a0-0000-7000-8000-000000000002',
  rank: 1,
  worldSize: 3,
  localWorldSize: 1,
  masterAddr: '10.0.0.5',
  masterPort: 29_400,
  workload: 'tiny-lm',
  driver: 'process',
  config: {},
  restore: null,
  checkpointEverySteps: 20,
  env: { MODEL_FLAVOUR: 'small' },
};
const workload = {
  name: 'tiny-lm',
  driver: 'process' as const,
  entry: '/opt/w/main.js',
  data: '/opt/w/text',
  defaults: {},
};
const place: LaunchPlace = {
  nodeId: 'node',
  leaseId: 'lease',
  token: 7,
  configPath: '/l/config.json',
  outDir: '/l/out',
  restoreDir: null,
  homeDir: '/l/home',
  python: '/usr/bin/python3',
  nodeBinary: '/usr/bin/node',
  lentCores: 2,
  passedOn: { PATH: '/usr/bin' },
};
const plan = (change: Partial<messages.LaunchSpec> = {}, installed: Partial<InstalledWorkload> = {}) =>
  planLaunch({ ...spec, ...change }, { ...workload, ...installed }, place);

describe('launch plan', () => {
  it('gives a process the environment that PyTorch expects', () => {
    expect(plan()).toMatchObject({
      command: '/usr/bin/node',
      args: ['/opt/w/main.js'],
      env: {
        RANK: '1',
        WORLD_SIZE: '3',
        LOCAL_RANK: '0',
        LOCAL_WORLD_SIZE: '1',
        MASTER_ADDR: '10.0.0.5',
        MASTER_PORT: '29400',
        CW_LEASE_TOKEN: '7',
        CW_DATA: '/opt/w/text',
        MODEL_FLAVOUR: 'small',
        PATH: '/usr/bin',
      },
    });
  });

  it('leaves ranks to torchrun, with static rendezvous', () => {
    const planned = plan({ driver: 'torchrun', localWorldSize: 4 }, { driver: 'torchrun', entry: '/opt/w/train.py' });
    if (isRefused(planned)) throw new Error(planned.first.code);
    expect(planned.command).toBe('/usr/bin/python3');
    expect(planned.args.join(' ')).toBe(
      '-m torch.distributed.run --nnodes 3 --nproc_per_node 4 --node_rank 1 --master_addr 10.0.0.5 --master_port 29400 ' +
        '--max_restarts 0 --redirects 1 --tee 1 --log_dir /l/out/torchrun /opt/w/train.py',
    );
    expect(planned.env).not.toHaveProperty('RANK');
  });

  it.each([
    ['LD_PRELOAD', 'AGENT_LAUNCH_ENV_REFUSED'],
    ['NODE_OPTIONS', 'AGENT_LAUNCH_ENV_REFUSED'],
    ['PYTHONPATH', 'AGENT_LAUNCH_ENV_REFUSED'],
    ['CW_LEASE_ID', 'AGENT_LAUNCH_ENV_REFUSED'],
    ['PATH', 'AGENT_LAUNCH_ENV_REFUSED'],
  ])('refuses to let a launch set %s', (name, code) => {
    const planned = plan({ env: { [name]: 'x' } });
    expect(isRefused(planned) && planned.first.code).toBe(code);
  });

  it('refuses an impossible rank and several processes without torchrun', () => {
    const [rank, local] = [plan({ rank: 3 }), plan({ localWorldSize: 2 })];
    expect(isRefused(rank) && rank.first.code).toBe('AGENT_RANK_INVALID');
    expect(isRefused(local) && local.first.code).toBe('AGENT_DRIVER_LOCAL_SIZE');
  });
});
