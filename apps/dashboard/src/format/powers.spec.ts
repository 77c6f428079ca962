import { describe, expect, it } from 'vitest';
import { keeps, may, type Power } from './powers.js';

const all: Power[] = ['edit', 'submit', 'review', 'offers', 'start', 'suspend', 'resume', 'refund', 'cancel'];
const powers = (state: string, roles: string[], platformRoles: string[] = []) =>
  all.filter((power) => may(power, { state, roles, platformRoles }));

describe('what a keeper may do', () => {
  it.each([
    ['DRAFT', ['maintainer'], [], ['edit', 'submit']],
    ['DRAFT', ['owner'], [], ['edit', 'submit', 'cancel']],
    ['IN_REVIEW', ['owner'], [], ['cancel']],
    ['IN_REVIEW', ['reviewer'], [], ['review']],
    ['IN_REVIEW', [], ['operator'], ['review', 'cancel']],
    ['LIVE', ['maintainer'], [], ['offers']],
    ['LIVE', ['treasurer'], [], ['refund']],
    ['LIVE', [], ['operator'], ['suspend', 'cancel']],
    ['SUSPENDED', [], ['operator'], ['resume', 'cancel']],
    ['SUCCEEDED', ['owner'], [], ['offers', 'start', 'refund', 'cancel']],
    ['TRAINING', ['owner'], [], ['offers', 'refund']],
    ['COMPLETED', ['auditor'], [], []],
  ])('%s, as %j on the project and %j on the platform: %j', (state, roles, platformRoles, expected) =>
    expect(powers(state, roles, platformRoles)).toEqual(expected),
  );

  it('is nothing for visitors', () => {
    expect(keeps([], [])).toBe(false);
    expect(keeps(['auditor'], [])).toBe(true);
    expect(keeps([], ['operator'])).toBe(true);
  });
});
