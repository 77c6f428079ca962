import { writeSync } from 'node:fs';
import { ConfigError } from './config.js';
import { explainConnectionFailure } from './database.js';

/** Something that runs until it is closed. */
export interface Running {
  close(): Promise<void>;
}

const DRAIN_MS = 15_000;

/**
 * Runs a process of the product: starts it, says on the IPC channel of its parent that it is ready, and on SIGTERM or
 * SIGINT drains and exits 0 (1 when draining fails or takes more than 15 s beyond the notice that it gives). A setting
 * that can't be used is one line on standard error and exit code 78 (EX_CONFIG of sysexits.h), so that a supervisor
 * doesn't try again.
 */
export async function runProcess(name: string, start: () => Promise<Running>): Promise<void> {
  let running: Running | undefined;
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    // Told to stop while still starting: there is nothing to drain, and what was begun is undone by whoever holds it.
    void (running?.close() ?? Promise.resolve()).then(
      () => process.exit(0),
      (error: unknown) => {
        writeSync(2, `${name}: did not stop cleanly: ${explain(error)}\n`);
        process.exit(1);
      },
    );
    setTimeout(() => {
      writeSync(2, `${name}: did not stop in time\n`);
      process.exit(1);
    }, DRAIN_MS + noticeMs()).unref();
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  // A parent that dies without a word takes its children with it.
  process.on('disconnect', stop);
  try {
    running = await start();
    process.send?.({ ready: name });
  } catch (error) {
    if (stopping) return;
    // Synchronously: a write to a pipe would be lost by the exit.
    writeSync(2, `${name}: ${explain(error)}\n`);
    process.exit(error instanceof ConfigError ? 78 : 1);
  }
}

const noticeMs = (): number => Number(process.env['DRAIN_NOTICE_MS'] ?? 0) || 0;

function explain(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  const code = (error as { code?: string }).code ?? '';
  if (code === 'EADDRINUSE') {
    const { port } = error as { port?: number };
    return `port ${port} is in use; stop what listens there or set PORT to another`;
  }
  if (/^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|28P01|28000|3D000)$/.test(code)) {
    return explainConnectionFailure(error, process.env['DATABASE_URL'] ?? '');
  }
  if (code === 'ENOSPC') return 'the disk is full; free some space and start again';
  return (error as Error).stack ?? String(error);
}
