import { readFile } from 'node:fs/promises';
import type pg from 'pg';

/** CPU time by who used it, in milliseconds: this process, and the back-ends of the database by their application's name. */
export type CpuTimes = ReadonlyMap<string, number>;

/** This process, load generator included. */
export const NODE = 'Node';

/**
 * CPU time that was used so far for a database. It depends less on what else runs on the machine than time on a clock does.
 * Only this process's where PostgreSQL runs elsewhere.
 */
export async function cpuTimes(client: pg.Client): Promise<CpuTimes> {
  const { rows } = await client.query<{ pid: number; name: string }>(
    `SELECT pid, CASE WHEN backend_type = 'client backend' THEN application_name ELSE backend_type END AS name
     FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
  );
  const { user, system } = process.cpuUsage();
  const times = new Map([[NODE, (user + system) / 1000]]);
  for (const { pid, name } of rows) times.set(name, (times.get(name) ?? 0) + (await backendMs(pid)));
  return times;
}

/** What was used between two readings. Connections have to stand at both. */
export function cpuBetween(before: CpuTimes, after: CpuTimes): Map<string, number> {
  return new Map([...after].map(([name, ms]) => [name, ms - (before.get(name) ?? 0)]));
}

/** To the nanosecond where the kernel keeps such, which counts what ticks of 10 ms would miss. */
async function backendMs(pid: number): Promise<number> {
  const command = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
  if (command.trim() !== 'postgres') return 0;
  const [ns] = (await readFile(`/proc/${pid}/schedstat`, 'utf8').catch(() => '')).split(' ');
  return Number(ns ?? 0) / 1e6;
}
