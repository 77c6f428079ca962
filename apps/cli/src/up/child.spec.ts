import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Child } from './child.js';

/** Needs `drainMs` to stop. */
const script = (drainMs: number): string => `
  process.on('SIGTERM', () => setTimeout(() => { process.exit(0); }, ${drainMs}));
  setInterval(() => {}, 1000);
  process.send('ready');
`;

describe('a supervised child', () => {
  it.each([
    ['is given the time it needs to drain', 300, 5_000, true],
    ['is killed when it takes longer than its grace', 5_000, 200, false],
  ])('%s', async (_, drainMs, graceMs, drains) => {
    const logFile = join(mkdtempSync(join(tmpdir(), 'child-')), 'child.log');
    const child = new Child(
      {
        name: 'drainer',
        command: process.execPath,
        args: ['-e', script(drainMs)],
        env: {},
        logFile,
        ready: 'ipc',
        graceMs,
      },
      () => undefined,
    );
    await child.start();
    const began = performance.now();
    await child.stop();
    const tookMs = performance.now() - began;
    expect([tookMs >= drainMs, tookMs < graceMs + 2_000]).toEqual([drains, true]);
  });
});
