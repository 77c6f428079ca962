import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { freePort } from '#platform';
import { startProduct, stopProduct } from './product.js';

declare module 'vitest' {
  interface ProvidedContext {
    product: { url: string; home: string; output: string };
  }
}

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
