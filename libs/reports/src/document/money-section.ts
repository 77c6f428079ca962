import { type MoneyFacts, PLEDGE_OUTCOMES } from '../domain/money-facts.js';
import { barChart } from './charts.js';
import type { Section } from './document.js';
import { count, money, moment } from './figure-text.js';
import { code, figure, name, table, words } from './tables.js';

export function moneySection(facts: MoneyFacts, goalMinor: string | null): Section {
  const amount = (minor: string): string => money(minor, facts.currency);
  const rows: [string, string, 'accent' | 'good' | 'bad' | 'muted'][] = [
    ['Captured', facts.capturedMinor, 'accent'],
    ['Processor fees', facts.feesMinor, 'muted'],
    ['Refunded', facts.refundedMinor, 'muted'],
    ['Disputed', facts.disputedMinor, 'bad'],
    ['Dispute fees', facts.disputeFeesMinor, 'bad'],
    ['Balance', facts.balanceMinor, 'good'],
  ];
  return {
    id: 'money',
    title: 'Money in and out',
    blocks: [
      {
        kind: 'paragraph',
        text: `${count(facts.pledges.created)} cash pledges were made, ${count(facts.pledges.captured)} were captured and ${count(facts.pledges.failed)} failed.${goalMinor === null ? '' : ` The goal was ${amount(goalMinor)}.`} Balance = captured − fees − refunded − disputed − dispute fees.`,
      },
      barChart({
        title: 'Where the money went',
        description: `Of ${amount(facts.capturedMinor)} captured, ${amount(facts.feesMinor)} went to processor fees, ${amount(facts.refundedMinor)} was refunded, ${amount(facts.disputedMinor)} is held back or lost in disputes, ${amount(facts.disputeFeesMinor)} went to dispute fees, and ${amount(facts.balanceMinor)} is left.`,
        bars: rows.map(([label, minor, tone]) => ({ label, value: BigInt(minor), text: amount(minor), tone })),
      }),
      table(
        'Where the money went',
        [name('Item'), figure('Amount'), figure('Minor units')],
        [
          ['Pledged', amount(facts.pledgedMinor), facts.pledgedMinor],
          ...rows.map(([label, minor]) => [label, amount(minor), minor]),
        ],
      ),
      table(
        'Cash pledges',
        [name('Outcome'), figure('Pledges')],
        PLEDGE_OUTCOMES.map((outcome) => [outcome, count(facts.pledges[outcome])]),
      ),
      table(
        'Movements',
        [
          figure('Place', 1),
          words('When', 3),
          words('Kind', 2),
          code('Contributor', 3),
          figure('Amount', 2),
          figure('Fee', 2),
        ],
        facts.movements.map((m) => [
          String(m.index),
          moment(m.at),
          m.kind,
          m.contributor,
          amount(m.amountMinor),
          amount(m.feeMinor),
        ]),
        'No money has moved.',
      ),
    ],
  };
}
