import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(ROOT, 'tools/lint/.fixture-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const lint = (source: string): string => {
  const file = join(folder, 'fixture.ts');
  const config = join(folder, 'config.json');
  writeFileSync(file, source);
  writeFileSync(
    config,
    JSON.stringify({
      jsPlugins: ['../house.mjs'],
      rules: {
        'house/money-is-never-a-float': 'error',
        'house/root-field-states-access': 'error',
        'house/only-the-platform-reads-the-environment': 'error',
      },
    }),
  );
  const { stdout } = spawnSync(process.execPath, [join(ROOT, 'node_modules/oxlint/bin/oxlint'), '-c', config, file], {
    encoding: 'utf8',
  });
  return stdout;
};

describe('the rules of this house', () => {
  it.each([
    ['Number(pledge.amountMinor)', 'keep it a bigint'],
    ['Math.round(fee)', 'keep it a bigint'],
    ['process.env.SECRET', 'Config of #platform'],
    ['class R { @Query(() => String) all() { return 1; } }', 'add @Access'],
  ])('%s is found', (source, message) => {
    expect(lint(source)).toContain(message);
  });

  it.each([
    'Number(count)',
    'Math.round(ratio)',
    "class R { @Access('public') @Query(() => String) all() { return 1; } }",
  ])('%s is fine', (source) => {
    expect(lint(source)).not.toContain('house(');
  });
});
