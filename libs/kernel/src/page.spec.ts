import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, decodeCursor, encodeCursor, isUuid, newId, pageOf, pageSize } from './index.js';

describe('pages', () => {
  it('read their own cursors back, whatever the key', () => {
    fc.assert(fc.property(fc.string({ minLength: 1 }), (key) => decodeCursor(encodeCursor(key)) === key));
  });

  it('take no cursor that they could not have made', () => {
    for (const cursor of ['', null, undefined, 'garbage!', 'YQ==', 'a b', 'é', '====']) {
      expect(decodeCursor(cursor)).toBeUndefined();
    }
    fc.assert(
      fc.property(fc.string(), (text) => {
        const key = decodeCursor(text);
        return key === undefined || encodeCursor(key) === text;
      }),
    );
  });

  it('have 1 to 100 items, 20 when nobody says', () => {
    expect([undefined, null, 0, -5, 1, 20.9, 100, 101, 2 ** 31].map((n) => pageSize(n))).toEqual([
      20, 20, 1, 1, 1, 20, 100, 100, 100,
    ]);
  });

  it('walk every row once, in order', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 1, max: 10 }), (total, limit) => {
        const rows = Array.from({ length: total }, (_, i) => i);
        const seen: number[] = [];
        for (let after = -1, more = true; more;) {
          const page = pageOf(rows.filter((row) => row > after).slice(0, limit + 1), limit, String);
          seen.push(...page.nodes);
          after = page.nodes.at(-1) ?? after;
          more = page.hasNextPage;
          expect(page.nodes.length).toBeLessThanOrEqual(limit);
        }
        expect(seen).toEqual(rows);
      }),
    );
  });
});

describe('ids', () => {
  it('sort by the time of their making', () => {
    const ids = Array.from({ length: 1_000 }, () => newId());
    expect([...ids].sort()).toEqual(ids);
    expect(new Set(ids).size).toBe(1_000);
    expect(ids.every(isUuid)).toBe(true);
  });
});

describe('canonical JSON', () => {
  it('is the same text for the same value, whatever the order of its keys', () => {
    expect(canonicalJson({ b: [1e21, 0.1, '€'], a: { d: null, c: true }, gone: undefined })).toBe(
      '{"a":{"c":true,"d":null},"b":[1e+21,0.1,"€"]}',
    );
  });

  it('refuses what JSON has no form for', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, undefined, 1n]) {
      expect(() => canonicalJson(value)).toThrow();
    }
  });
});
