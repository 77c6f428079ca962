import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { canonicalJson } from '#kernel';
import { SEAL_ORIGIN, type SealedTransfer, canonicalRefs, sealHash, sealText } from './seal.rules.js';

const first: SealedTransfer = {
  unit: 'USD',
  position: 1n,
  key: 'capture:1',
  kind: 'posted',
  debit: 'processor:available:USD',
  credit: 'campaign:1:escrow:USD',
  amount: 2500n,
  released: 0n,
  pendingKey: null,
  expiresAt: null,
  closes: null,
  reason: 'card captured',
  refs: { pledge: 'p1', campaign: 'c1' },
  recordedAt: new Date('2026-03-01T12:00:00Z'),
};

it('seals a frozen text over the seal before', () => {
  const text =
    '["ledger-seal/1","USD","1","capture:1","posted","processor:available:USD","campaign:1:escrow:USD","2500","0",null,null,"card captured",{"campaign":"c1","pledge":"p1"},"2026-03-01T12:00:00.000Z"]';
  expect(sealText(first)).toBe(text);
  expect(sealHash(SEAL_ORIGIN, first)).toEqual(
    createHash('sha256')
      .update(Buffer.concat([Buffer.alloc(32), Buffer.from(text)]))
      .digest(),
  );
});

it('writes references as canonical JSON does', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' })), (refs) => {
      expect(canonicalRefs(refs)).toBe(canonicalJson(refs));
    }),
  );
  expect(canonicalRefs({ b: '1', 10: '2', 9: '3', a: 'ü' })).toBe('{"10":"2","9":"3","a":"ü","b":"1"}');
});

it('changes with anything that the transfer says', () => {
  const seal = (t: SealedTransfer, previous = SEAL_ORIGIN) => sealHash(previous, t).toString('hex');
  const others: SealedTransfer[] = [
    { ...first, position: 2n },
    { ...first, amount: 2501n },
    { ...first, released: 1n },
    { ...first, pendingKey: 'a' },
    { ...first, expiresAt: new Date(0) },
    { ...first, closes: 'debit' },
    { ...first, closes: 'credit' },
    { ...first, refs: {} },
    { ...first, recordedAt: new Date(0) },
    { ...first, debit: first.credit, credit: first.debit },
  ];
  const hashes = [first, ...others].map((t) => seal(t));
  expect(new Set([...hashes, seal(first, Buffer.alloc(32, 1))]).size).toBe(others.length + 2);
});
