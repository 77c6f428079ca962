import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const NODE = join(ROOT, 'node_modules/.bin/node');
const product = inject('product');

const cli = (...args: string[]) =>
  spawnSync(NODE, [join(ROOT, 'dist/apps/cli/src/main.js'), ...args], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', COMMONWEIGHTS_HOME: product.home },
  });

describe('the main job', () => {
  it('told a newcomer what happened, from the pledge to the verified report', () => {
    expect(product.output).toMatch(/Campaign is live/);
    expect(product.output).toMatch(/25 cards: .*21 paid/);
    expect(product.output).toMatch(/1 generic decline/);
    expect(product.output).toMatch(/1 insufficient funds/);
    expect(product.output).toMatch(/1 3-D Secure passed/);
    expect(product.output).toMatch(/Attempt 1: a gang of 3/);
    expect(product.output).toMatch(/Killing kenji-attic with SIGKILL/);
    expect(product.output).toMatch(/Attempt 2: a gang of 2 trains from the checkpoint of step \d+/);
    expect(product.output).toMatch(/Run DONE/);
    expect(product.output).toMatch(/everything holds/);
  });

  it('trained: the last loss is well below the first', () => {
    const [, first, last] = /loss ([\d.]+) → ([\d.]+)/.exec(product.output) ?? [];
    expect(Number(first)).toBeGreaterThan(0);
    expect(Number(last)).toBeLessThan(Number(first) * 0.75);
  });

  it('leaves every invariant standing', () => {
    const { status, stdout } = cli('audit');
    expect(stdout).toMatch(/checks, all hold/);
    expect(status).toBe(0);
  });

  it('verifies the downloaded report offline, and refuses it with one byte changed', () => {
    const folder = join(product.home, 'downloads');
    expect(existsSync(folder)).toBe(true);
    const key = join(folder, 'log.key');
    expect(readFileSync(key, 'utf8')).toMatch(/\+/);
    const names = spawnSync('ls', [folder], { encoding: 'utf8' }).stdout.split('\n');
    const json = names.find((name) => name.endsWith('.json')) ?? '';
    expect(cli('verify', join(folder, json), '--key', key).status).toBe(0);
    const broken = join(product.home, 'broken.json');
    const text = readFileSync(join(folder, json), 'utf8');
    const at = text.search(/\d{4,}/);
    spawnSync('cp', [join(folder, json), broken]);
    const digit = text[at] === '1' ? '2' : '1';
    spawnSync(NODE, [
      '-e',
      `fs.writeFileSync(process.argv[1], process.argv[2])`,
      broken,
      text.slice(0, at) + digit + text.slice(at + 1),
    ]);
    expect(cli('verify', broken, '--key', key).status).toBe(1);
  });
});
