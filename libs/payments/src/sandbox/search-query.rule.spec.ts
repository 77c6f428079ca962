import { describe, expect, it } from 'vitest';
import { parseSearch, type FieldKind } from './search-query.rule.js';

const FIELDS: Record<string, FieldKind> = {
  amount: 'number',
  status: 'token',
  email: 'text',
  metadata: 'text',
  refunded: 'flag',
};
const parse = (query: string) => parseSearch(query, 'payment_intents', FIELDS);

describe('a search query', () => {
  it('is clauses of a field, an operator and a value', () => {
    expect(parse(`status:"succeeded" AND metadata["order"]:'6735' -amount>=1000 email~"@exa\\"mple"`)).toMatchObject({
      joinedBy: 'AND',
      clauses: [
        { field: 'status', operator: ':', value: 'succeeded', negated: false },
        { field: 'metadata', key: 'order', value: '6735' },
        { field: 'amount', operator: '>=', value: 1000, negated: true },
        { field: 'email', operator: '~', value: '@exa"mple' },
      ],
    });
    expect(parse('amount<5 OR refunded:"true" or metadata["x"]:null')).toMatchObject({
      joinedBy: 'OR',
      clauses: [{ value: 5 }, { value: true }, { value: null }],
    });
  });

  it.each([
    ['', /unable to parse/],
    ['status', /unable to parse/],
    ['status:succeeded', /unable to parse/],
    ['status:"a" AND', /unable to parse/],
    ['status:"a"amount:1', /unable to parse/],
    ['colour:"red"', /unsupported search field/],
    ['metadata:"x"', /unsupported search field/],
    ['status["x"]:"y"', /unsupported search field/],
    ['status~"succ"', /not supported on field/],
    ['email~"ab"', /at least 3/],
    ['amount>"x"', /takes a number/],
    ['refunded:"maybe"', /true or false/],
    ['amount:1 AND amount:2 OR amount:3', /combine AND and OR/],
    [Array.from({ length: 11 }, () => 'amount:1').join(' '), /at most 10/],
  ])('is refused: %j', (query, message) => {
    expect(() => parse(query)).toThrow(message);
  });
});
