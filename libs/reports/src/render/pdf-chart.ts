import type { Chart, Mark } from '../document/document.js';
import { ensureRoom, innerWidth, PALETTE, type Pdf, type Tag } from './pdf-page.js';

/** A figure with its description as alternative text. */
export function drawChart(doc: Pdf, parent: Tag, chart: Chart): void {
  const scale = innerWidth(doc) / chart.width;
  const height = chart.height * scale;
  ensureRoom(doc, height + 12);
  const left = doc.page.margins.left;
  const top = doc.y + 4;
  const options = {
    alt: `${chart.title}. ${chart.description}`,
    bbox: [left, top, left + innerWidth(doc), top + height],
    placement: 'Block',
  };
  const element = doc.struct('Figure', options as never, () => {
    doc.save().translate(left, top).scale(scale);
    for (const mark of chart.marks) drawMark(doc, mark);
    doc.restore();
  });
  parent.add(element);
  element.end();
  doc.x = left;
  doc.y = top + height + 8;
}

function drawMark(doc: Pdf, mark: Mark): void {
  const colour = PALETTE[mark.tone];
  switch (mark.kind) {
    case 'line': {
      const [first, ...rest] = mark.points;
      if (!first) return;
      doc.moveTo(first[0], first[1]);
      for (const [x, y] of rest) doc.lineTo(x, y);
      doc.lineWidth(mark.width).strokeColor(colour).stroke();
      return;
    }
    case 'rect':
      doc.rect(mark.x, mark.y, mark.width, mark.height).fill(colour);
      return;
    case 'dot':
      doc.circle(mark.x, mark.y, 3.5).fill(colour);
      return;
    case 'text': {
      doc.font('text').fontSize(12).fillColor(colour);
      const shift =
        mark.anchor === 'end'
          ? doc.widthOfString(mark.text)
          : mark.anchor === 'middle'
            ? doc.widthOfString(mark.text) / 2
            : 0;
      doc.text(mark.text, mark.x - shift, mark.y - 10, { lineBreak: false });
    }
  }
}
