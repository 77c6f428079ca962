import { describe, expect, it } from 'vitest';
import { eventSummary } from './event.summary.js';

describe('what people read of a campaign’s events', () => {
  it.each([
    [
      'pledge.cash.created',
      { amountMinor: '20000000000', currency: 'USD', rail: 'bank_transfer' },
      '$200,000,000.00 promised by bank transfer',
    ],
    ['pledge.cash.created', { amountMinor: '7777', currency: 'JPY', rail: 'card' }, '¥7,777 promised by card'],
    [
      'pledge.cash.captured',
      { amountMinor: '12345', feeMinor: '388', currency: 'CHF' },
      '123.45 CHF came; the processor took 3.88 CHF as its fee',
    ],
    ['pledge.cash.captured', { amountMinor: '99', feeMinor: '0', currency: 'EUR' }, '€0.99 came'],
    [
      'pledge.cash.refund_failed',
      { amountMinor: '100000', currency: 'GBP' },
      'A refund of £1,000.00 did not reach its owner; somebody looks after it',
    ],
    [
      'disbursement.exchanged',
      { gave: { amountMinor: '162570', currency: 'JPY' }, got: { amountMinor: '108430', currency: 'USD' } },
      '¥162,570 exchanged into $1,084.30',
    ],
    [
      'disbursement.reserved',
      { number: 2, amount: { amountMinor: '5000', currency: 'USD' } },
      'Tranche 2: $50.00 set aside',
    ],
    ['pledge.cash.refunded', {}, 'an amount refunded'],
    ['something.new', {}, 'something.new'],
  ])('%s %o reads “%s”', (type, payload, sentence) => expect(eventSummary(type, payload)).toBe(sentence));
});
