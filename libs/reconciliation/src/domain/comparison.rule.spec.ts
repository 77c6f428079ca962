import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BankLine, type BankPayout, compareBank } from './bank-match.rule.js';
import {
  compareDonorCash,
  compareGpuTime,
  compareMovements,
  type DifferenceKind,
  type GpuReading,
  type Movement,
} from './comparison.rule.js';

/** How many events a simulated year has; the environment may ask for more. */
const EVENTS = Number(process.env['RECONCILIATION_EVENTS'] ?? 2_000);
const YEAR_MS = 365 * 86_400_000;
const NOW = Date.UTC(2026, 11, 31);

/** A year in which all sides agree. */
interface Year {
  ledger: Movement[];
  processor: Movement[];
  payouts: BankPayout[];
  lines: BankLine[];
  leases: GpuReading[];
}

/** Small deterministic numbers: a year is made again from its seed. */
function numbers(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function yearOf(seed: number): Year {
  const next = numbers(seed);
  const year: Year = { ledger: [], processor: [], payouts: [], lines: [], leases: [] };
  for (let n = 0; n < EVENTS; n += 1) {
    const at = NOW - YEAR_MS + Math.floor((YEAR_MS * n) / EVENTS) - 10 * 86_400_000;
    const currency = ['USD', 'EUR', 'JPY'][next(3)] ?? 'USD';
    const amount = BigInt(100 + next(10_000_000));
    const fee = 1n + amount / 35n;
    const both = (subject: string, amountMinor: bigint, feeMinor: bigint, parts = 1): void => {
      const movement = { subject, currency, atMs: at };
      year.processor.push({ ...movement, amountMinor, feeMinor });
      const part = amountMinor / BigInt(parts);
      for (let i = 1; i < parts; i += 1) year.ledger.push({ ...movement, amountMinor: part, feeMinor: 0n });
      year.ledger.push({
        ...movement,
        amountMinor: amountMinor - part * BigInt(parts - 1),
        feeMinor,
        atMs: at + 4_000,
      });
    };
    both(`payment:${n}`, amount, fee);
    if (n % 11 === 0) both(`refund:${n}`, -amount, 0n);
    if (n % 33 === 0) both(`refund:${n}`, amount, 0n);
    if (n % 41 === 0) both(`dispute:${n}`, -amount, 1_500n);
    if (n % 82 === 0) both(`dispute:${n}`, amount, -1_500n, 3);
    if (n % 50 === 0) both(`transfer:${n}`, -amount, 0n);
    if (n % 25 === 0) {
      const payoutId = `po_${n}`;
      both(`payout:${payoutId}`, -amount, 0n);
      year.payouts.push({ payoutId, currency, amountMinor: amount, atMs: at });
      const matchedWith = n % 2 === 0 ? payoutId : undefined;
      year.lines.push({ lineId: `l${n}`, currency, amountMinor: amount, texts: [`STRIPE ${payoutId}`], matchedWith });
    }
    if (n % 10 === 0) {
      const ms = amount * 1_000n;
      const all = { booked: ms, metered: ms, recorded: ms, beaten: ms + 5n };
      year.leases.push({ leaseId: `${n}`, ...all, acceptedBooked: ms / 2n, acceptedRecorded: ms / 2n });
    }
  }
  return year;
}

function found(year: Year): Set<string> {
  return new Set(
    [
      ...compareMovements(year.ledger, year.processor, NOW),
      ...compareBank(year.payouts, year.lines, NOW).differences,
      ...compareGpuTime(year.leases),
    ].map(({ kind, subject }) => `${kind} ${subject}`),
  );
}

type Fault = readonly [name: string, inject: (year: Year, pick: (below: number) => number) => [DifferenceKind, string]];

const of = (movements: Movement[], prefix: string, pick: (below: number) => number): number => {
  const at = movements.flatMap(({ subject }, index) => (subject.startsWith(prefix) ? [index] : []));
  return at[pick(at.length)] ?? 0;
};
/** Takes one movement away, or puts another in its place. */
const change =
  (
    side: 'ledger' | 'processor',
    prefix: string,
    kind: DifferenceKind,
    to: (movement: Movement) => readonly Movement[],
  ): Fault[1] =>
  (year, pick) => {
    const at = of(year[side], prefix, pick);
    const movement = year[side][at];
    if (!movement) throw new Error(`no ${prefix}`);
    year[side].splice(at, 1, ...to(movement));
    return [kind, movement.subject];
  };
const line =
  (kind: DifferenceKind, to: (line: BankLine) => readonly BankLine[], subject: (line: BankLine) => string): Fault[1] =>
  (year, pick) => {
    const at = pick(year.lines.length);
    const before = year.lines[at];
    if (!before) throw new Error('no line');
    year.lines.splice(at, 1, ...to({ ...before, matchedWith: undefined }));
    return [kind, subject(before)];
  };
const lease =
  (to: (reading: GpuReading) => Partial<GpuReading>): Fault[1] =>
  (year, pick) => {
    const at = pick(year.leases.length);
    const before = year.leases[at];
    if (!before) throw new Error('no lease');
    year.leases[at] = { ...before, ...to(before) };
    return ['gpu_time_differs', `lease:${before.leaseId}`];
  };
const add =
  (more: bigint) =>
  (m: Movement): Movement[] => [{ ...m, amountMinor: m.amountMinor + more }];
const asOther = (m: Movement): Movement[] => [{ ...m, currency: 'CHF' }];
const own = (l: BankLine): string => `bank_line:${l.lineId}`;
const payoutOf = (l: BankLine): string => `payout:${l.texts[0]?.slice(7)}`;

const FAULTS: readonly Fault[] = [
  ['a capture was never booked', change('ledger', 'payment:', 'missing_in_ledger', () => [])],
  ['a transfer was never booked', change('ledger', 'transfer:', 'missing_in_ledger', () => [])],
  ['a payout was never booked', change('ledger', 'payout:', 'missing_in_ledger', () => [])],
  ['a capture was booked a unit high', change('ledger', 'payment:', 'amount_differs', add(1n))],
  ['a capture was booked a unit low', change('ledger', 'payment:', 'amount_differs', add(-1n))],
  ['a capture was booked twice', change('ledger', 'payment:', 'amount_differs', (m) => [m, m])],
  ['a fee is a unit off', change('ledger', 'payment:', 'fee_differs', (m) => [{ ...m, feeMinor: m.feeMinor + 1n }])],
  ['a fee was not booked', change('ledger', 'payment:', 'fee_differs', (m) => [{ ...m, feeMinor: 0n }])],
  [
    'the processor charges a fee later',
    change('processor', 'payment:', 'fee_differs', (m) => [{ ...m, feeMinor: m.feeMinor + 7n }]),
  ],
  ['a capture stands in another currency', change('ledger', 'payment:', 'currency_differs', asOther)],
  ['a booking has nothing behind it', change('processor', 'payment:', 'missing_at_processor', () => [])],
  ['a transfer never left', change('processor', 'transfer:', 'missing_at_processor', () => [])],
  ['a payout never left', change('processor', 'payout:', 'missing_at_processor', () => [])],
  ['the processor moved another amount', change('processor', 'payment:', 'amount_differs', add(-100n))],
  [
    'the sign of a transfer is wrong',
    change('ledger', 'transfer:', 'amount_differs', (m) => [{ ...m, amountMinor: -m.amountMinor }]),
  ],
  [
    'one step of a dispute is missing',
    change('ledger', 'dispute:', 'amount_differs', (m) => [{ ...m, amountMinor: m.amountMinor - 3n }]),
  ],
  [
    'a charge nobody knows',
    (year) => {
      year.processor.push({
        subject: 'entry:txn_x',
        currency: 'USD',
        amountMinor: 5n,
        feeMinor: 0n,
        atMs: NOW - 3_600_000,
      });
      return ['missing_in_ledger', 'entry:txn_x'];
    },
  ],
  [
    'a booking by hand',
    (year) => {
      year.ledger.push({ subject: 'booking:x', currency: 'USD', amountMinor: 5n, feeMinor: 0n, atMs: NOW - 3_600_000 });
      return ['missing_at_processor', 'booking:x'];
    },
  ],
  ['a payout never reached the bank', line('missing_in_bank', () => [], payoutOf)],
  [
    'the bank shows another amount',
    line('bank_amount_differs', (l) => [{ ...l, amountMinor: l.amountMinor - 1n }], own),
  ],
  [
    'the bank shows a payout twice',
    line(
      'duplicate',
      (l) => [l, { ...l, lineId: `${l.lineId}b` }],
      (l) => `${own(l)}b`,
    ),
  ],
  ['the bank shows another currency', line('currency_differs', (l) => [{ ...l, currency: 'CHF' }], own)],
  [
    'a line that names nothing',
    line(
      'unexpected_bank_line',
      (l) => [l, { ...l, lineId: 'odd', texts: ['GEBUEHR'] }],
      () => 'bank_line:odd',
    ),
  ],
  ['GPU time booked and not metered', lease((r) => ({ metered: r.metered - 1n }))],
  ['GPU time not recorded', lease(() => ({ recorded: 0n }))],
  ['GPU time accepted twice', lease((r) => ({ acceptedBooked: r.acceptedBooked * 2n }))],
  ['more GPU time than heartbeats', lease((r) => ({ beaten: r.booked - 1n }))],
];

describe('a year of money', () => {
  it('that agrees has no difference', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1 }), (seed) => {
        expect([...found(yearOf(seed))]).toEqual([]);
      }),
      { numRuns: 8 },
    );
  });

  it(`shows each of ${FAULTS.length} kinds of fault, and nothing else but it`, () => {
    fc.assert(
      fc.property(fc.integer({ min: 1 }), fc.constantFrom(...FAULTS), (seed, [, inject]) => {
        const year = yearOf(seed);
        const [kind, subject] = inject(year, numbers(seed + 1));
        const differences = found(year);
        expect(differences).toContain(`${kind} ${subject}`);
        // A line that is wrong leaves its payout open too; nobody else is accused.
        const accused = [...differences].filter((name) => !name.endsWith(` ${subject}`) && !/payout:po_/.test(name));
        expect(accused).toEqual([]);
      }),
      { numRuns: 120 },
    );
  });

  it.each(FAULTS)('%s is found', (_, inject) => {
    const year = yearOf(17);
    const [kind, subject] = inject(year, numbers(18));
    expect(found(year)).toContain(`${kind} ${subject}`);
  });

  it('holds nothing against what is minutes old', () => {
    const young = { subject: 'payment:young', currency: 'USD', amountMinor: 5n, feeMinor: 0n, atMs: NOW - 200_000 };
    expect(compareMovements([], [young], NOW)).toEqual([]);
    expect(compareMovements([], [young], NOW + 200_000)).toHaveLength(1);
  });

  it('matches a line once, and a payout never beyond its amount', () => {
    const payout = { payoutId: 'po_1', currency: 'USD', amountMinor: 100n, atMs: 0 };
    const l = { currency: 'USD', amountMinor: 100n, texts: ['po_1'], matchedWith: undefined };
    const { matches, differences } = compareBank(
      [payout],
      [
        { ...l, lineId: 'a' },
        { ...l, lineId: 'b' },
      ],
      NOW,
    );
    expect(matches).toEqual([{ lineId: 'a', payoutId: 'po_1' }]);
    expect(differences.map((d) => d.kind)).toEqual(['duplicate']);
  });

  it('puts nothing together that a person took apart, and counts what was corrected as arrived', () => {
    const payout = { payoutId: 'po_1', currency: 'USD', amountMinor: 100n, atMs: 0 };
    const l = { lineId: 'a', currency: 'USD', amountMinor: 100n, texts: ['po_1'], matchedWith: undefined };
    const apart = compareBank([payout], [{ ...l, apartFrom: ['po_1'] }], NOW);
    expect(apart.differences.map((d) => d.kind)).toEqual(['unexpected_bank_line', 'missing_in_bank']);
    expect(compareBank([{ ...payout, correctedMinor: 100n }], [{ ...l, isBooked: true }], NOW)).toEqual({
      matches: [],
      differences: [],
    });
  });

  it('compares a subject that was corrected as a whole by what is left of amount and fee', () => {
    const at = { subject: 'entry:txn_1', currency: 'USD', atMs: NOW - 3_600_000 };
    const said = { ...at, amountMinor: 500n, feeMinor: 20n };
    const corrected = { ...at, amountMinor: 480n, feeMinor: 0n, isNet: true };
    expect(compareMovements([corrected], [said], NOW)).toEqual([]);
    expect(compareMovements([{ ...corrected, isNet: false }], [said], NOW).map((d) => d.kind)).toEqual([
      'amount_differs',
      'fee_differs',
    ]);
    expect(compareMovements([corrected, { ...at, amountMinor: 1n, feeMinor: 0n }], [said], NOW)).toMatchObject([
      { kind: 'amount_differs', expected: 480n, found: 481n },
    ]);
  });

  it("holds each donor's cash against the processor's, though two errors cancel out", () => {
    const cash = { currency: 'USD', atMs: NOW - 3_600_000 };
    const differences = compareDonorCash(
      [
        { ...cash, pseudonym: 'ada', atProcessor: 100n, booked: 101n },
        { ...cash, pseudonym: 'bob', atProcessor: 100n, booked: 99n },
        { ...cash, pseudonym: 'eve', atProcessor: 7n, booked: 7n },
        { ...cash, pseudonym: 'new', atProcessor: 5n, booked: 0n, atMs: NOW },
      ],
      NOW,
    );
    expect(differences.map(({ subject, expected, found: said }) => [subject, expected, said])).toEqual([
      ['donor_cash:ada', 100n, 101n],
      ['donor_cash:bob', 100n, 99n],
    ]);
  });
});
