/**
 * Stands between the agent and a workload, as a process of its own, so that no workload outlives its right to run.
 *
 *   guard.js <leaseId> <aliveMs> <command> [args...]
 *
 *  1. The workload leads its own process group. When stdin ends, as it does when the agent dies in whatever way, the
 *     whole group is killed at once.
 *  2. The agent renews the right to run by writing `extend <ms>`; when that runs out, as it does when the agent is
 *     frozen, the group is killed.
 *  3. `term` and `kill` signal the group. A process that left the group is found by its inherited CW_LEASE_ID (Linux).
 *  4. The guard exits with the workload's code, or 128 + the signal's number.
 */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { createInterface } from 'node:readline';

const [leaseId = '', aliveMs = '0', command = '', ...args] = process.argv.slice(2);
const PID_PIPE = 3;

// The guard ends when its work has ended, and not before: signals meant for the agent's terminal don't reach the workload through it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

const child = spawn(command, args, { detached: true, stdio: ['ignore', 'inherit', 'inherit'] });

function signalGroup(signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // the group is gone
  }
}

/** Kills what carries this lease's id in its environment although it left the process group. */
function killEscaped(): void {
  if (process.platform !== 'linux') return;
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid || pid === process.ppid) continue;
    try {
      if (readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`CW_LEASE_ID=${leaseId}`))
        process.kill(pid, 'SIGKILL');
    } catch {
      // ended meanwhile, or not ours
    }
  }
}

function killAll(): void {
  signalGroup('SIGKILL');
  killEscaped();
}

let deadline = setTimeout(killAll, Number(aliveMs));
const control = createInterface({ input: process.stdin });
control.on('line', (line) => {
  const [word, value] = line.split(' ');
  if (word === 'extend') {
    clearTimeout(deadline);
    deadline = setTimeout(killAll, Math.max(0, Number(value)));
  } else if (word === 'term') signalGroup('SIGTERM');
  else if (word === 'kill') killAll();
});
control.on('close', killAll);

child.on('spawn', () => writeSync(PID_PIPE, `${child.pid}\n`));
child.on('error', (error) => {
  process.stderr.write(`cannot start ${command}: ${error.message}\n`);
  process.exit(127);
});
child.on('exit', (code, signal) => {
  clearTimeout(deadline);
  killAll(); // what the workload left behind
  process.exit(code ?? 128 + (signal ? constants.signals[signal] : 0));
});
