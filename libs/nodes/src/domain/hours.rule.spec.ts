import { describe, expect, it } from 'vitest';
import { isRefused } from '#kernel';
import { openingAt, readWindows } from './hours.rule.js';

const weekend = { rrule: 'FREQ=WEEKLY;BYDAY=SA,SU;BYHOUR=8', durationMinutes: 10 * 60 };
const at = (text: string) => new Date(`${text}Z`);

describe('hours of a node', () => {
  it('without windows are always', () => {
    expect(openingAt([], at('2026-03-02T00:00:00'))).toEqual({ isOpen: true, until: null });
  });

  it('open at each occurrence for the duration: the start counts, the end does not', () => {
    expect(openingAt([weekend], at('2026-03-07T07:59:59'))).toEqual({
      isOpen: false,
      opensAt: at('2026-03-07T08:00:00'),
    });
    expect(openingAt([weekend], at('2026-03-07T08:00:00'))).toEqual({ isOpen: true, until: at('2026-03-07T18:00:00') });
    expect(openingAt([weekend], at('2026-03-08T17:59:59'))).toEqual({ isOpen: true, until: at('2026-03-08T18:00:00') });
    expect(openingAt([weekend], at('2026-03-08T18:00:00'))).toEqual({
      isOpen: false,
      opensAt: at('2026-03-14T08:00:00'),
    });
    expect(openingAt([weekend], at('2026-03-09T12:00:00')).isOpen).toBe(false);
  });

  it('reach over midnight and join where windows touch', () => {
    const night = { rrule: 'FREQ=DAILY;BYHOUR=22', durationMinutes: 8 * 60 };
    const morning = { rrule: 'FREQ=DAILY;BYHOUR=6', durationMinutes: 60 };
    expect(openingAt([night, morning], at('2026-03-02T02:00:00'))).toEqual({
      isOpen: true,
      until: at('2026-03-02T07:00:00'),
    });
    const always = { rrule: 'FREQ=DAILY', durationMinutes: 24 * 60 };
    expect(openingAt([always], at('2026-03-02T02:00:00'))).toEqual({ isOpen: true, until: null });
  });

  it.each([
    ['no rule', { rrule: '', durationMinutes: 60 }],
    ['prose', { rrule: 'on weekends', durationMinutes: 60 }],
    ['a frequency too fine', { rrule: 'FREQ=SECONDLY', durationMinutes: 60 }],
    ['an end', { rrule: 'FREQ=DAILY;COUNT=3', durationMinutes: 60 }],
    ['a day that never comes', { rrule: 'FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30', durationMinutes: 60 }],
    ['no duration', { rrule: 'FREQ=DAILY', durationMinutes: 0 }],
    ['half a minute', { rrule: 'FREQ=DAILY', durationMinutes: 60.5 }],
  ])('refuse %s', (_, window) => {
    const read = readWindows([window]);
    expect(isRefused(read) && read.first).toMatchObject({
      code: 'NODE_HOURS_INVALID',
      path: ['input', 'windows', '0'],
    });
  });
});
