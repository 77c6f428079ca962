/** Operations a second, in the largest unit that leaves at least one: `989 TFLOP/s`. */
const UNITS = ['', 'k', 'M', 'G', 'T', 'P', 'E'];
const STEP = 1000n;
const TENTHS = 10n;

export function operationRate(perSecond: string): string {
  let value = BigInt(perSecond) * TENTHS;
  let unit = 0;
  while (value >= STEP * TENTHS && unit < UNITS.length - 1) {
    value /= STEP;
    unit += 1;
  }
  const whole = value / TENTHS;
  // One decimal where it says something.
  const text = whole < TENTHS * TENTHS && value % TENTHS !== 0n ? `${whole}.${value % TENTHS}` : String(whole);
  return `${text} ${UNITS[unit]}op/s`;
}
