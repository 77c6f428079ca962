import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { registerLogCommands } from './log.command.js';

const folder = mkdtempSync(join(tmpdir(), 'cw-vectors-'));
afterAll(() => rmSync(folder, { recursive: true }));
const VECTORS = join(import.meta.dirname, '../../../../../shared/data/vectors');

async function run(...args: string[]): Promise<{ code: number; output: string }> {
  let output = '';
  const write = (text: unknown): boolean => (output += String(text)) !== '';
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation(write),
    vi.spyOn(process.stderr, 'write').mockImplementation(write),
  ];
  const before = process.exitCode;
  try {
    const program = new Command('commonweights');
    registerLogCommands(program);
    await program.parseAsync(['node', 'commonweights', 'log', ...args]);
    return { code: Number(process.exitCode), output };
  } finally {
    process.exitCode = before;
    for (const spy of spies) spy.mockRestore();
  }
}

function file(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

describe('commonweights log check-vectors', () => {
  // SHA-256 of nothing, and of one zero byte: the empty tree and the leaf of an empty entry (RFC 6962, section 2.1).
  const leaf = 'bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=';
  const good = { id: 'a', leafIdx: 0, treeSize: 1, root: leaf, leafHash: leaf, proof: null, wantErr: false };

  it('counts what passes', async () => {
    expect(
      await run('check-vectors', file('good.json', { inclusion: [good, { ...good, treeSize: 2, wantErr: true }] })),
    ).toEqual({ code: 0, output: '2 passed, 0 failed\n' });
  });

  it('names what fails, and fails', async () => {
    expect(
      await run('check-vectors', file('bad.json', { inclusion: [good, { ...good, id: 'b', wantErr: true }] })),
    ).toEqual({ code: 1, output: 'failed: b\n1 passed, 1 failed\n' });
  });

  it.each([
    ['not JSON', '{'],
    ['another form', { hello: 1 }],
    ['an empty list', []],
  ])('refuses %s', async (_, content) => {
    expect((await run('check-vectors', file('other.json', content))).code).toBe(2);
  });

  it('refuses a file that is not there', async () => {
    expect((await run('check-vectors', join(folder, 'absent.json'))).code).toBe(2);
  });

  it.skipIf(!existsSync(VECTORS))(
    'passes all published vectors (skipped where the shared data folder is missing)',
    async () => {
      expect(await run('check-vectors', join(VECTORS, 'merkle-rfc6962.json'))).toEqual({
        code: 0,
        output: '263 passed, 0 failed\n',
      });
      expect(await run('check-vectors', join(VECTORS, 'signed-note-checkpoint.json'))).toEqual({
        code: 0,
        output: '37 passed, 0 failed\n',
      });
      expect(await run('check-vectors', join(VECTORS, 'tlog-tiles-log.json'))).toEqual({
        code: 0,
        output: '63 passed, 0 failed\n',
      });
    },
  );
});
