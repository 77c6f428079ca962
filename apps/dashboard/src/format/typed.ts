/** What people type into the forms of organisers, as the API takes it; null where it is not what was asked for. */

/** A whole number from 1, with or without thousands separators: `6,144,000` → `6144000n`. */
export function parseCount(text: string): bigint | null {
  const digits = text.trim().replaceAll(/[,_\s]/g, '');
  return /^\d{1,30}$/.test(digits) && BigInt(digits) > 0n ? BigInt(digits) : null;
}

/** A moment from a `datetime-local` control, which knows no zone; the page says that it is UTC. */
export function parseMoment(text: string): string | null {
  const match = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?$/.exec(text.trim());
  const moment = match ? new Date(`${text.trim()}${match[1] ? '' : ':00'}Z`) : null;
  return moment && !Number.isNaN(moment.getTime()) ? moment.toISOString() : null;
}

/** The same the other way, for the control's value. */
export const momentValue = (iso: string): string => new Date(iso).toISOString().slice(0, 16);

/** Milliseconds as hours with three decimals, rounded up: a goal worked out from a budget must not fall short of it. */
export function hoursValue(milliseconds: bigint | string): string {
  const thousandths = (BigInt(milliseconds) + 3599n) / 3600n;
  const fraction = (thousandths % 1000n).toString().padStart(3, '0').replace(/0+$/, '');
  return `${thousandths / 1000n}${fraction ? `.${fraction}` : ''}`;
}
