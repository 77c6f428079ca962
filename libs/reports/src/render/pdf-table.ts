import type { Column, Table } from '../document/document.js';
import { artifact, ensureRoom, innerWidth, PALETTE, type Pdf, type Tag } from './pdf-page.js';

const SIZE = 8;
const PAD = 4;

interface Placed {
  readonly column: Column;
  readonly x: number;
  readonly width: number;
}

/** A tagged table. Its header is repeated on every page it reaches; the repetition is decoration and isn't read out. */
export function drawTable(doc: Pdf, parent: Tag, table: Table): void {
  const columns = place(doc, table.columns);
  const header = table.columns.map((column) => column.label);
  ensureRoom(doc, 36 + rowHeight(doc, columns, header, 'bold') + rowHeight(doc, columns, table.rows[0] ?? [], 'text'));
  const element = doc.struct('Table', { title: table.caption });
  parent.add(element);
  doc.y += 6;
  add(
    element,
    doc.struct('Caption', {}, () =>
      doc
        .font('bold')
        .fontSize(9.5)
        .fillColor(PALETTE.ink)
        .text(table.caption, doc.page.margins.left, doc.y, { width: innerWidth(doc) }),
    ),
  );
  doc.y += 3;
  const head = doc.struct('THead');
  element.add(head);
  drawRow(doc, head, columns, header, true);
  head.end();
  const body = doc.struct('TBody');
  element.add(body);
  for (const row of table.rows) {
    if (doc.y + rowHeight(doc, columns, row, 'text') > doc.page.height - doc.page.margins.bottom) {
      doc.addPage();
      const height = rowHeight(doc, columns, header, 'bold');
      artifact(doc, () => {
        rule(doc, height, true);
        paintRow(doc, columns, header, 'bold', (_, draw) => draw());
      });
      advance(doc, height);
    }
    drawRow(doc, body, columns, row, false);
  }
  body.end();
  element.end();
  doc.y += 8;
}

function place(doc: Pdf, columns: readonly Column[]): Placed[] {
  const weights = columns.reduce((total, column) => total + column.weight, 0);
  const room = innerWidth(doc);
  let x = doc.page.margins.left;
  return columns.map((column) => {
    const width = Math.floor((column.weight / weights) * room * 100) / 100;
    const placed = { column, x, width };
    x += width;
    return placed;
  });
}

function fontOf(column: Column, font: 'text' | 'bold'): string {
  return font === 'bold' ? 'bold' : column.code ? 'code' : 'text';
}

function rowHeight(doc: Pdf, columns: readonly Placed[], cells: readonly string[], font: 'text' | 'bold'): number {
  const heights = columns.map(({ column, width }, i) =>
    doc
      .font(fontOf(column, font))
      .fontSize(SIZE)
      .heightOfString(cells[i] || ' ', { width: width - 2 * PAD }),
  );
  return Math.max(...heights) + 2 * PAD;
}

function drawRow(doc: Pdf, parent: Tag, columns: readonly Placed[], cells: readonly string[], isHeader: boolean): void {
  const font = isHeader ? 'bold' : 'text';
  const height = rowHeight(doc, columns, cells, font);
  const row = doc.struct('TR');
  parent.add(row);
  artifact(doc, () => rule(doc, height, isHeader));
  paintRow(doc, columns, cells, font, (column, draw) => {
    const heads = isHeader || column.heads === true;
    add(row, doc.struct(heads ? 'TH' : 'TD', (heads ? { scope: isHeader ? 'Column' : 'Row' } : {}) as never, draw));
  });
  row.end();
  advance(doc, height);
}

function paintRow(
  doc: Pdf,
  columns: readonly Placed[],
  cells: readonly string[],
  font: 'text' | 'bold',
  wrap: (column: Column, draw: () => void) => void,
): void {
  const top = doc.y;
  columns.forEach(({ column, x, width }, i) => {
    wrap(column, () => {
      const align = column.align === 'end' ? 'right' : 'left';
      doc
        .font(fontOf(column, font))
        .fontSize(SIZE)
        .fillColor(PALETTE.ink)
        .text(cells[i] || ' ', x + PAD, top + PAD, { width: width - 2 * PAD, align });
    });
  });
  doc.y = top;
}

function rule(doc: Pdf, height: number, isHeader: boolean): void {
  const { left } = doc.page.margins;
  const width = innerWidth(doc);
  if (isHeader) doc.rect(left, doc.y, width, height).fill(PALETTE.band);
  doc
    .moveTo(left, doc.y + height)
    .lineTo(left + width, doc.y + height)
    .lineWidth(0.5)
    .strokeColor(PALETTE.grid)
    .stroke();
}

function advance(doc: Pdf, height: number): void {
  doc.y += height;
  doc.x = doc.page.margins.left;
}

function add(parent: Tag, child: Tag): void {
  parent.add(child);
  child.end();
}
