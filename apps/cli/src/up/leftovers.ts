import { spawnSync } from 'node:child_process';
import { type Home, isAlive } from './home.js';

/**
 * Ends the children of a supervisor that was killed outright. A process is ours when its id is in the data folder's
 * own list and its command line is one of ours; anything else that got the same id since is left alone.
 */
export async function clearLeftovers(home: Home): Promise<void> {
  const known = Object.entries(home.read<Record<string, number>>('processes.json') ?? {}).filter(
    ([name, pid]) => name !== 'postgres' && isAlive(pid) && commandOf(pid).includes('dist/'),
  );
  for (const [, pid] of known) process.kill(pid, 'SIGTERM');
  const deadline = Date.now() + 10_000;
  while (known.some(([, pid]) => isAlive(pid)) && Date.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 50));
  for (const [, pid] of known) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
}

const commandOf = (pid: number): string =>
  spawnSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).stdout ?? '';
