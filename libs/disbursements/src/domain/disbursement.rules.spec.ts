import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { voteResult } from './backers-vote.rule.js';
import { planTranches, promisedGoalMinor } from './disbursement-plan.rule.js';
import { sizeReserve } from './dispute-reserve.rule.js';
import { compareDecimals, reachesThreshold } from './evidence.rule.js';
import { type Funds, netMinor, trancheAmount } from './tranche-amount.rule.js';

const amount = fc.bigInt({ min: 0n, max: 10n ** 18n });
/** Shares in basis points that add up to the whole. */
const shares = fc
  .uniqueArray(fc.integer({ min: 1, max: 9_999 }), { maxLength: 11 })
  .map((cuts) => [0, ...cuts.sort((a, b) => a - b), 10_000])
  .map((cuts) => cuts.slice(1).map((cut, index) => cut - (cuts[index] ?? 0)));

describe('what a tranche is paid', () => {
  it('is the whole to the last minor unit, in whatever order the tranches come, and never more than is there', () => {
    fc.assert(
      fc.property(amount, amount, shares, fc.infiniteStream(fc.nat()), (collected, held, bps, choice) => {
        let funds: Funds = { escrowMinor: collected, reserveMinor: held, spentMinor: 0n };
        const open = [...bps];
        while (open.length > 0) {
          const [shareBp = 0] = open.splice((choice.next().value ?? 0) % open.length, 1);
          const paid = trancheAmount(
            { shareBp, isRemainder: false, isLast: open.length === 0, canceledBp: 0, canceledPaidMinor: 0n },
            funds,
          );
          expect(paid >= 0n && paid <= funds.escrowMinor).toBe(true);
          funds = { ...funds, escrowMinor: funds.escrowMinor - paid, spentMinor: funds.spentMinor + paid };
        }
        expect(funds).toEqual({ escrowMinor: 0n, reserveMinor: held, spentMinor: collected });
        // The reserve comes back when the windows have closed, and the remainder takes it.
        const back: Funds = { escrowMinor: held, reserveMinor: 0n, spentMinor: collected };
        const rest = trancheAmount(
          { shareBp: 0, isRemainder: true, isLast: true, canceledBp: 0, canceledPaidMinor: 0n },
          back,
        );
        expect(rest + collected).toBe(netMinor(funds));
      }),
    );
  });

  it('stays within what is there when money is lost on the way, or tranches are canceled', () => {
    fc.assert(
      fc.property(
        amount,
        shares,
        fc.array(fc.record({ lossBp: fc.integer({ min: 0, max: 10_000 }), isCanceled: fc.boolean() }), {
          minLength: 12,
          maxLength: 12,
        }),
        (collected, bps, fates) => {
          let funds: Funds = { escrowMinor: collected, reserveMinor: 0n, spentMinor: 0n };
          let canceledBp = 0;
          for (const [index, shareBp] of bps.entries()) {
            const fate = fates[index] ?? { lossBp: 0, isCanceled: false };
            const left = funds.escrowMinor - (funds.escrowMinor * BigInt(fate.lossBp)) / 10_000n;
            funds = { ...funds, escrowMinor: left };
            if (fate.isCanceled) {
              canceledBp += shareBp;
              continue;
            }
            const isLast = index === bps.length - 1;
            const paid = trancheAmount(
              { shareBp, isRemainder: false, isLast, canceledBp, canceledPaidMinor: 0n },
              funds,
            );
            expect(paid >= 0n && paid <= funds.escrowMinor).toBe(true);
            funds = { ...funds, escrowMinor: funds.escrowMinor - paid, spentMinor: funds.spentMinor + paid };
          }
          expect(funds.spentMinor <= collected).toBe(true);
        },
      ),
    );
  });

  it.each([
    // Shares are floors; the last takes the odd cent.
    [5_000, false, { escrowMinor: 10_001n, reserveMinor: 0n, spentMinor: 0n }, 5_000n],
    [5_000, true, { escrowMinor: 5_001n, reserveMinor: 0n, spentMinor: 5_000n }, 5_001n],
    // What the reserve holds is not shared out.
    [5_000, false, { escrowMinor: 9_850n, reserveMinor: 151n, spentMinor: 0n }, 4_925n],
    [10_000, true, { escrowMinor: 0n, reserveMinor: 151n, spentMinor: 0n }, 0n],
  ] as const)('for %i bp (last: %s) is exact', (shareBp, isLast, funds, expected) => {
    expect(trancheAmount({ shareBp, isRemainder: false, isLast, canceledBp: 0, canceledPaidMinor: 0n }, funds)).toBe(
      expected,
    );
  });
});

describe('the dispute reserve', () => {
  const ends = new Date('2027-01-01T00:00:00Z');
  it('covers open payments at the rate of their rail, rounded up, and open disputes in full', () => {
    const sizing = sizeReserve(
      [
        { rail: 'bank_transfer', openMinor: 5_000_000_00n, disputedMinor: 0n, windowEndsAt: ends },
        { rail: 'card', openMinor: 10_001n, disputedMinor: 700n, windowEndsAt: ends },
        { rail: 'sepa_debit', openMinor: 20_000n, disputedMinor: 0n, windowEndsAt: ends },
        { rail: 'us_bank_account', openMinor: 20_000n, disputedMinor: 0n, windowEndsAt: ends },
      ],
      { escrowMinor: 100_000n, reserveMinor: 1_000n },
    );
    expect(sizing.needs.map((need) => need.needMinor)).toEqual([0n, 151n + 700n, 200n, 100n]);
    expect(sizing).toMatchObject({ targetMinor: 1_151n, moveMinor: 151n });
  });

  it('is never more than there is, never negative, and gives everything back when nothing is open', () => {
    fc.assert(
      fc.property(amount, amount, amount, amount, (open, disputed, escrowMinor, reserveMinor) => {
        const holds = { escrowMinor, reserveMinor };
        const { targetMinor, moveMinor } = sizeReserve(
          [{ rail: 'card', openMinor: open, disputedMinor: disputed, windowEndsAt: ends }],
          holds,
        );
        expect(targetMinor >= 0n && targetMinor <= escrowMinor + reserveMinor).toBe(true);
        expect(moveMinor <= escrowMinor && -moveMinor <= reserveMinor).toBe(true);
        expect(sizeReserve([], holds).moveMinor).toBe(-reserveMinor);
      }),
    );
  });
});

describe('a vote of backers', () => {
  const terms = { quorumBp: 2_000, majorityBp: 5_000 };
  it.each([
    [{ electorate: 10, yes: 2, no: 0 }, true, 'won'],
    [{ electorate: 10, yes: 1, no: 0 }, true, 'lost'],
    [{ electorate: 10, yes: 2, no: 2 }, true, 'lost'],
    [{ electorate: 10, yes: 3, no: 2 }, true, 'won'],
    [{ electorate: 10, yes: 3, no: 2 }, false, undefined],
    // Nothing that is missing can change these.
    [{ electorate: 10, yes: 6, no: 0 }, false, 'won'],
    [{ electorate: 10, yes: 0, no: 5 }, false, 'lost'],
  ] as const)('%j, over %s: %s', (votes, isOver, result) => {
    expect(voteResult(terms, votes, isOver)).toBe(result);
  });

  it('decided early is what it would have been at the end, whatever the others had done', () => {
    const part = fc.record({ yes: fc.nat(20), no: fc.nat(20), missing: fc.nat(20) });
    fc.assert(
      fc.property(
        part,
        fc.nat(20),
        fc.nat(10_000),
        fc.nat(10_000),
        ({ yes, no, missing }, later, quorumBp, majorityBp) => {
          const electorate = yes + no + missing;
          const early = voteResult({ quorumBp, majorityBp }, { electorate, yes, no }, false);
          if (early === undefined) return;
          const more = Math.min(later, missing);
          for (const end of [
            { electorate, yes: yes + more, no },
            { electorate, yes, no: no + more },
          ]) {
            // Those who stay away count as neither; a vote that is won early is won by a majority of all who may come.
            if (early === 'won') expect(voteResult({ quorumBp, majorityBp }, end, true)).toBe('won');
            if (early === 'lost' && more === missing)
              expect(voteResult({ quorumBp, majorityBp }, end, true)).toBe('lost');
          }
        },
      ),
    );
  });
});

describe('evidence', () => {
  it('compares decimal texts exactly', () => {
    expect(compareDecimals('0.1', '0.10')).toBe(0);
    expect(compareDecimals('-0.5', '0.25')).toBe(-1);
    expect(compareDecimals('3.0000000000000000001', '3')).toBe(1);
    const terms = { kind: 'evaluation' as const, metric: 'loss', threshold: '2.5', direction: 'at_most' as const };
    expect([reachesThreshold(terms, '2.50'), reachesThreshold(terms, '2.51')]).toEqual([true, false]);
  });
});

describe('a plan', () => {
  it('of terms without tranches is one of the whole and the remainder', () => {
    const terms = { fundingModel: 'keep_it_all', cashMinimumMinor: '10000', tranches: [] };
    expect(planTranches(terms).map(({ number, shareBp, isRemainder }) => [number, shareBp, isRemainder])).toEqual([
      [1, 10_000, false],
      [2, 0, true],
    ]);
    expect(promisedGoalMinor(terms)).toBe(0n);
    expect(promisedGoalMinor({ ...terms, fundingModel: 'all_or_nothing' })).toBe(10_000n);
  });
});
