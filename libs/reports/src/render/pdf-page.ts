export type Pdf = PDFKit.PDFDocument;
export type Tag = PDFKit.PDFStructureElement;

export const PALETTE = {
  ink: '#14181f',
  muted: '#4c5663',
  grid: '#c9d0d9',
  accent: '#0b5cad',
  good: '#146c43',
  bad: '#a4262c',
  band: '#eef1f5',
} as const;
/** In points, on every side. */
export const MARGIN = 50;

export function innerWidth(doc: Pdf): number {
  return doc.page.width - 2 * MARGIN;
}

/** Begins a new page when less than `height` is left on this one. */
export function ensureRoom(doc: Pdf, height: number): void {
  if (doc.y + height > doc.page.height - doc.page.margins.bottom) doc.addPage();
}

/** Decoration: drawn, but not read out. */
export function artifact(doc: Pdf, draw: () => void, type = 'Layout'): void {
  doc.markContent('Artifact', { type } as never);
  draw();
  doc.endMarkedContent();
}
