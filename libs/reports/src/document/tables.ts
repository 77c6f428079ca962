import type { Column, Table } from './document.js';

export function table(
  caption: string,
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  empty = 'Nothing to list.',
): Table {
  return { kind: 'table', caption, columns, rows, empty };
}

export const name = (label: string, weight = 3): Column => ({ label, align: 'start', heads: true, weight });
export const words = (label: string, weight = 2): Column => ({ label, align: 'start', weight });
export const figure = (label: string, weight = 2): Column => ({ label, align: 'end', weight });
export const code = (label: string, weight = 3): Column => ({ label, align: 'start', code: true, weight });
