import { readFileSync, readdirSync } from 'node:fs';

/*
 * CPU time of processes, read from /proc: what a run cost each of them, whatever else the machine did meanwhile. On
 * systems without /proc every answer is 0.
 */

const TICK_MS = 10;
const LOOK_EVERY_MS = 250;

/** User and system time of a process so far, in milliseconds; 0 once it has ended. */
export function cpuMsOf(pid: number | undefined): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  } catch {
    return 0;
  }
}

/**
 * What PostgreSQL's processes for one database used. They come and go with their connections, so they are looked at
 * again and again; what one does between the last look and its end is missing.
 */
export class DatabaseCpu {
  readonly #used = new Map<number, number>();
  readonly #timer: NodeJS.Timeout;
  readonly #database: string;

  constructor(database: string) {
    this.#database = database;
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  /** Milliseconds so far. */
  ms(): number {
    this.#look();
    return [...this.#used.values()].reduce((sum, ms) => sum + ms, 0);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    for (const pid of backendsOf(this.#database)) this.#used.set(pid, Math.max(this.#used.get(pid) ?? 0, cpuMsOf(pid)));
  }
}

function backendsOf(database: string): number[] {
  try {
    return readdirSync('/proc').flatMap((name) => {
      if (!/^\d+$/.test(name)) return [];
      try {
        const title = readFileSync(`/proc/${name}/cmdline`, 'utf8');
        return title.startsWith('postgres: ') && title.includes(` ${database} `) ? [Number(name)] : [];
      } catch {
        return [];
      }
    });
  } catch {
    return [];
  }
}
