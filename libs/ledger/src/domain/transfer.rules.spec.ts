import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRefused } from '#kernel';
import { LEDGER_CODES, refuseTransfer } from './refusal.catalogue.js';
import { type TransferSpec, checkShape, requestHash } from './transfer.rules.js';

const spec: TransferSpec = {
  key: 'capture:1',
  kind: 'posted',
  debit: 'processor:available:USD',
  credit: 'campaign:1:escrow:USD',
  amount: 2500n,
  reason: 'card captured',
  refs: { pledge: 'p1', campaign: 'c1' },
};
const codeOf = (chain: TransferSpec[]) => {
  const outcome = checkShape(chain);
  return isRefused(outcome) ? outcome.first.code : 'OK';
};

describe('the hash of a request', () => {
  // Made with sha256sum over the canonical text.
  it('is frozen: keys already stored must stay comparable for ever', () => {
    expect(requestHash(spec)).toBe('0e1343be03f03cefad8cad8a89a41908c0b4976e2ee8e4c992541ac2a7d69713');
    expect(requestHash({ key: 'x', kind: 'void_pending', pendingKey: 'hold:1', reason: 'cancelled' })).toBe(
      '4868bb229edf041e3b3179d11baeac841fefeb807346db243da5ddc0c3a38945',
    );
  });

  it('ignores the key and the order of refs, and nothing else', () => {
    const same = [
      { ...spec, key: 'other' },
      { ...spec, refs: { campaign: 'c1', pledge: 'p1' } },
    ];
    const others: TransferSpec[] = [
      { ...spec, kind: 'pending' },
      { ...spec, kind: 'pending', expiresAt: new Date(0) },
      { ...spec, debit: 'a' },
      { ...spec, credit: 'a' },
      { ...spec, amount: 2501n },
      { ...spec, pendingKey: 'a' },
      { ...spec, reason: 'a' },
      { ...spec, balancing: 'debit' },
      { ...spec, balancing: 'credit' },
      { ...spec, balancing: 'both' },
      { ...spec, refs: { pledge: 'p1' } },
      { ...spec, refs: { pledge: 'c1', campaign: 'p1' } },
    ];
    for (const one of same) expect(requestHash(one)).toBe(requestHash(spec));
    expect(new Set([spec, ...others].map(requestHash)).size).toBe(others.length + 1);
  });

  it('tells texts apart that only look joined alike', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), fc.string(), (a, b, c, d) => {
        fc.pre(a !== c || b !== d);
        return requestHash({ ...spec, debit: a, credit: b }) !== requestHash({ ...spec, debit: c, credit: d });
      }),
    );
  });
});

describe('rules of form', () => {
  it.each<[string, Partial<TransferSpec>]>([
    ['LEDGER_KEY_INVALID', { key: '' }],
    ['LEDGER_KEY_INVALID', { key: 'k'.repeat(201) }],
    ['LEDGER_KEY_INVALID', { key: 'ledger:expired:1' }],
    ['LEDGER_KEY_INVALID', { key: 'nul\u0000' }],
    ['LEDGER_AMOUNT_INVALID', { amount: 0n }],
    ['LEDGER_AMOUNT_INVALID', { amount: -1n }],
    ['LEDGER_AMOUNT_INVALID', { amount: 10n ** 18n + 1n }],
    ['LEDGER_AMOUNT_INVALID', { kind: 'post_pending', pendingKey: 'a', amount: 0n }],
    ['LEDGER_PENDING_KEY_MISPLACED', { pendingKey: 'a' }],
    ['LEDGER_PENDING_KEY_MISPLACED', { kind: 'void_pending' }],
    ['LEDGER_EXPIRY_MISPLACED', { expiresAt: new Date(0) }],
    ['LEDGER_BALANCING_MISPLACED', { kind: 'post_pending', pendingKey: 'a', balancing: 'debit' }],
    ['LEDGER_ACCOUNTS_EQUAL', { credit: 'processor:available:USD' }],
    ['OK', { amount: 10n ** 18n }],
    ['OK', { kind: 'pending', expiresAt: new Date(0) }],
  ])('%s for %o', (code, change) => {
    expect(codeOf([{ ...spec, ...change }])).toBe(code);
  });

  it('look at the whole chain and name the first transfer that breaks one', () => {
    const outcome = checkShape([spec, { ...spec, amount: 0n }, { ...spec, key: '' }]);
    expect(isRefused(outcome) && outcome.first).toMatchObject({
      code: 'LEDGER_AMOUNT_INVALID',
      detail: expect.stringContaining('Transfer 2'),
    });
    expect(codeOf([])).toBe('LEDGER_CHAIN_EMPTY');
  });

  it('throw for a kind that does not exist: that is a bug of the caller', () => {
    expect(() => checkShape([{ ...spec, kind: 'expired' as 'posted' }])).toThrow(TypeError);
  });
});

it.each(LEDGER_CODES)('%s says what is wrong and what would be right', (code) => {
  const { first } = refuseTransfer(code, { index: 0, key: 'k', subject: 'a:b', figure: 7n });
  expect(first).toMatchObject({ code, message: expect.stringMatching(/\.$/), hint: expect.stringMatching(/\.$/) });
});
