import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { SigningKey } from '#transparency';
import { registerMatchCommands } from './match.command.js';

const folder = mkdtempSync(join(tmpdir(), 'commonweights-match-'));
const at = (name: string, content: unknown): string => {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
};
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

const gift = (project: string, donor: string, amount: string) => ({ project, donor, amount });
const round = {
  format: 'commonweights-match-round/v1',
  currency: 'USD',
  pool: '500',
  rule: { kind: 'quadratic' },
  projects: [{ id: 'a' }, { id: 'b' }],
  gifts: [
    gift('a', 'x', '100'),
    gift('a', 'y', '400'),
    gift('b', 'x', '300'),
    gift('b', 'z', '200'),
    gift('b', 'y', '1'),
  ],
};

async function run(...args: string[]): Promise<{ out: string; err: string; code: number }> {
  const written = { out: '', err: '' };
  vi.spyOn(process.stdout, 'write').mockImplementation(((text: string, done?: () => void) => {
    written.out += text;
    done?.();
    return true;
  }) as never);
  vi.spyOn(process.stderr, 'write').mockImplementation(((text: string) => {
    written.err += text;
    return true;
  }) as never);
  const program = new Command().exitOverride();
  registerMatchCommands(program);
  await program.parseAsync(['node', 'commonweights', 'match', ...args]);
  vi.restoreAllMocks();
  const code = Number(process.exitCode ?? 0);
  process.exitCode = 0;
  return { ...written, code };
}

describe('commonweights match', () => {
  it('prints a result that pays the pool, the same for any order, and that verifies', async () => {
    const input = at('round.json', round);
    const { out, code } = await run(input);
    expect(code).toBe(0);
    const { result, signature } = JSON.parse(out) as { result: { projects: { match: string }[] }; signature: null };
    expect(result.projects.reduce((sum, p) => sum + Number(p.match), 0)).toBe(500);
    expect(signature).toBeNull();
    const turned = { ...round, gifts: round.gifts.toReversed(), projects: round.projects.toReversed() };
    expect((await run(at('turned.json', turned))).out).toBe(out);
    const checked = await run('verify', at('result.json', out), input);
    expect([checked.code, checked.out.includes('Verified.')]).toEqual([0, true]);
  });

  it('signs with a key, and tells a changed figure, a changed round and another key', async () => {
    const key = SigningKey.fromSeed('matching.example/round', new Uint8Array(32).fill(7));
    const file = await SigningKey.load(join(folder, 'own.key'), 'own.example');
    const input = at('round.json', round);
    const out = join(folder, 'signed.json');
    await run(input, '--key', join(folder, 'own.key'), '--out', out);
    const signed = readFileSync(out, 'utf8');
    expect((await run('verify', out, input, '--key', file.verifierKeyText)).code).toBe(0);
    expect((await run('verify', out, input, '--key', key.verifierKeyText)).out).toContain('FAIL  signature');
    const changed = at(
      'changed.json',
      signed.replace(/"match":"(\d)/, (_, d: string) => `"match":"${(Number(d) % 9) + 1}`),
    );
    const told = await run('verify', changed, input);
    expect(told.code).toBe(1);
    expect(told.out).toContain('FAIL  signature');
    expect(told.out).toContain('first at project a');
    const other = at('other.json', { ...round, pool: '501' });
    expect((await run('verify', out, other)).out).toContain('The result is of another round');
  });

  it.each([
    ['is no JSON', '{', 'MATCH_FILE_INVALID'],
    ['lacks its pool', { ...round, pool: undefined }, 'pool'],
    [
      'has an amount with a point',
      { ...round, gifts: [gift('a', 'x', '1.5')] },
      'gifts.0.amount: has to be a whole number',
    ],
    ['has an amount of nothing', { ...round, gifts: [gift('a', 'x', '0')] }, 'has to be at least "1"'],
    ['has a number for an amount', { ...round, pool: 5 }, 'pool'],
    ['gives to a stranger', { ...round, gifts: [gift('c', 'x', '1')] }, 'MATCH_PROJECT_UNKNOWN'],
    ['names a project twice', { ...round, projects: [{ id: 'a' }, { id: 'a' }] }, 'MATCH_NAMED_TWICE'],
    ['knows no such rule', { ...round, rule: { kind: 'fair' } }, 'rule.kind'],
    ['says more than the form holds', { ...round, bonus: true }, 'bonus'],
    ['weighs above one', { ...round, weights: { x: '1.1' } }, 'weights.x'],
    ['has nobody who agrees', { ...round, rule: { kind: 'capital_constrained' }, gifts: [] }, 'MATCH_NO_AGREEMENT'],
  ])('tells in one line of a round that %s', async (_, content, part) => {
    const { err, out, code } = await run(at('bad.json', content));
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain(part);
    expect(err.trimEnd().split('\n')).toHaveLength(1);
  });

  it('tells of a file that is not there, and of a result that is none', async () => {
    expect((await run(join(folder, 'nowhere.json'))).err).toContain("can't be read");
    const { code, out } = await run('verify', at('none.json', '{}'), at('round.json', round));
    expect([code, out.includes('FAIL  form')]).toEqual([1, true]);
    expect((await run(at('round.json', round), '--key', at('bad.key', 'x'))).err).toContain('no signing key');
  });
});
