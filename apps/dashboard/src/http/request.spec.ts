import { describe, expect, it } from 'vitest';
import { parseCookies, safeReturn } from './request.js';

describe('safeReturn', () => {
  it.each(['/', '/account', '/campaigns/x/pledge?with=compute'])('keeps %s', (path) =>
    expect(safeReturn(path)).toBe(path),
  );
  it.each([
    '//evil.example',
    '/\\evil.example',
    'https://evil.example',
    'javascript:alert(1)',
    '',
    null,
    undefined,
    '/a b',
  ])('turns %s into the front page', (path) => expect(safeReturn(path)).toBe('/'));
});

describe('parseCookies', () => {
  it('reads names and values, and survives rubbish', () => {
    expect([...parseCookies('cw_theme=dark; cw_session=a=b; ;=x')]).toEqual([
      ['cw_theme', 'dark'],
      ['cw_session', 'a=b'],
    ]);
  });
});
