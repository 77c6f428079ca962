import type { Refusal } from '#kernel';

/** Messages go to stderr, so that stdout holds nothing but what a command was asked to print. */
export const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

/** A line of the running agent, with the local time of day. */
export const sayAt = (line: string): void => say(`${new Date().toISOString().slice(11, 19)} ${line}`);

export function sayRefusals(refusals: readonly Refusal[]): void {
  for (const { code, message, detail, hint } of refusals) {
    say(`Error: ${message} (${code})`);
    if (detail) say(`  ${detail}`);
    if (hint) say(`  ${hint}`);
  }
}

/** Plain columns, two spaces apart; the last column isn't padded. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join('  '),
    )
    .join('\n');
}
