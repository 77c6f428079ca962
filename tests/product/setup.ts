import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    product: { url: string; home: string; output: string };
  }
}

const ROOT = join(import.meta.dirname, '../..');
const LIMIT_MS = 8 * 60_000;

/**
 * Starts the whole product as `npm start` does, in a folder and on a port of its own, and waits until it has played
 * the main job. Every test of this project looks at that one installation.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const home = mkdtempSync(join(tmpdir(), 'commonweights-product-'));
  chmodSync(home, 0o755);
  const port = await freePort();
  const url = `http://localhost:${port}`;
  const { child, output } = await startProduct(home, port);
  process.env['DASHBOARD_URL'] = url;
  project.provide('product', { url, home, output });
  return async () => {
    await stopProduct(child);
    rmSync(home, { recursive: true, force: true });
  };
}

/** Starts `commonweights up` and waits for the last line of its start. */
export async function startProduct(
  home: string,
  port: number,
  args: string[] = [],
): Promise<{ child: ChildProcess; output: string }> {
  const child = spawn(join(ROOT, 'node_modules/.bin/node'), [join(ROOT, 'dist/apps/cli/src/main.js'), 'up', ...args], {
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '',
      COMMONWEIGHTS_HOME: home,
      PORT: String(port),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`not up in time:\n${output}`)), LIMIT_MS);
    const read = (chunk: Buffer) => {
      output += chunk.toString('utf8');
      if (output.includes('Stop     Ctrl-C')) {
        clearTimeout(timer);
        resolve();
      }
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`ended with ${code}:\n${output}`));
    });
  });
  child.removeAllListeners('exit');
  return { child, output };
}

/** Asks the product to stop and answers its exit code. */
export function stopProduct(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null) return Promise.resolve(child.exitCode);
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  child.kill('SIGTERM');
  return ended;
}

export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
