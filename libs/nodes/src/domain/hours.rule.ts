// oxlint-disable-next-line import/default -- a CommonJS package: Node gives its exports as the default, whatever its types say.
import rrule from 'rrule';
import { type Outcome, isRefused } from '#kernel';
import { refuseNode } from '../nodes.refusal.js';

/**
 * When a donor lends a node.
 *  1. No window means always. Several windows add up; they may overlap.
 *  2. A window opens at each occurrence of its rule, in UTC, and stays open for its duration.
 *  3. Rules are anchored at a fixed Monday, so that the same text means the same hours whenever it is read.
 */
export interface Window {
  /** RFC 5545 recurrence, for example `FREQ=WEEKLY;BYDAY=SA,SU;BYHOUR=8`. */
  readonly rrule: string;
  readonly durationMinutes: number;
}

const MAX_WINDOWS = 10;
const MINUTE_MS = 60_000;
const ANCHOR = new Date(Date.UTC(2024, 0, 1));
/** How many windows in a row are followed to find when the node closes; longer is as good as no end. */
const MAX_CHAIN = 50;

/** The windows in canonical form, or why they can't be. */
export function readWindows(windows: readonly Window[]): Outcome<Window[]> {
  const path = ['input', 'windows'];
  if (windows.length > MAX_WINDOWS)
    return refuseNode('NODE_HOURS_INVALID', `There may be ${MAX_WINDOWS} windows at most.`, path);
  const read: Window[] = [];
  for (const [position, window] of windows.entries()) {
    const line = readWindow(window, [...path, String(position)]);
    if (isRefused(line)) return line;
    read.push(line);
  }
  return read;
}

function readWindow({ rrule: text, durationMinutes }: Window, path: readonly string[]): Outcome<Window> {
  const line = text
    .trim()
    .replace(/^RRULE:/i, '')
    .toUpperCase();
  const refuse = (why: string) => refuseNode('NODE_HOURS_INVALID', why, path);
  if (!Number.isInteger(durationMinutes) || durationMinutes < 15 || durationMinutes > 10_080) {
    return refuse('durationMinutes must be a whole number from 15 to 10080 (a week).');
  }
  if (line.length < 1 || line.length > 400) return refuse('rrule must have 1 to 400 characters.');
  if (/DTSTART|UNTIL|COUNT|BYSECOND/.test(line))
    return refuse('DTSTART, UNTIL, COUNT and BYSECOND have no place in hours that come again and again.');
  try {
    const options = rrule.RRule.parseString(line);
    const { MONTHLY, WEEKLY, DAILY } = rrule.RRule;
    if (options.freq === undefined || ![MONTHLY, WEEKLY, DAILY].includes(options.freq))
      return refuse('FREQ must be MONTHLY, WEEKLY or DAILY.');
    const first = ruleOf(line).after(ANCHOR, true);
    return first ? { rrule: line, durationMinutes } : refuse('It never comes round.');
  } catch (error) {
    return refuse((error as Error).message);
  }
}

function ruleOf(text: string): InstanceType<typeof rrule.RRule> {
  const options = rrule.RRule.parseString(text);
  return new rrule.RRule({
    ...options,
    dtstart: ANCHOR,
    // Without these the rule would take hour and minute from the anchor: midnight, which is what a plain rule means.
    byhour: options.byhour ?? 0,
    byminute: options.byminute ?? 0,
    bysecond: 0,
  });
}

/** When the window that is open at `at` closes, or null when none is open. */
function closesAt(windows: readonly Window[], at: Date): Date | null {
  const ends = windows.flatMap((window) => {
    const opened = ruleOf(window.rrule).before(at, true);
    const end = opened ? opened.getTime() + window.durationMinutes * MINUTE_MS : 0;
    return end > at.getTime() ? [end] : [];
  });
  return ends.length > 0 ? new Date(Math.max(...ends)) : null;
}

export type Opening =
  { readonly isOpen: false; readonly opensAt: Date | null } | { readonly isOpen: true; readonly until: Date | null };

/** Whether a node with these windows lends now; until when (null: no end in sight), or when it opens next. */
export function openingAt(windows: readonly Window[], at: Date): Opening {
  if (windows.length === 0) return { isOpen: true, until: null };
  let until = closesAt(windows, at);
  if (!until) {
    const starts = windows.flatMap((window) => ruleOf(window.rrule).after(at)?.getTime() ?? []);
    return { isOpen: false, opensAt: starts.length > 0 ? new Date(Math.min(...starts)) : null };
  }
  for (let step = 0; step < MAX_CHAIN; step++) {
    const next = closesAt(windows, until);
    if (!next) return { isOpen: true, until };
    until = next;
  }
  return { isOpen: true, until: null };
}
