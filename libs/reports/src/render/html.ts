/**
 * The report as one HTML file: no script that runs, no outside resource, readable on paper, on a phone and by ear.
 * The signed JSON is inside it as a data block, so the page can be checked by itself.
 */
import type { Block, Chart, Mark, ReportDocument, Table } from '../document/document.js';
import { STYLESHEET } from './stylesheet.js';

export const EMBEDDED_ID = 'signed-report';

export function renderHtml(document: ReportDocument, signedJson: string): string {
  const contents = document.sections
    .map((section) => `<li><a href="#${section.id}">${escape(section.title)}</a></li>`)
    .join('');
  const sections = document.sections
    .map(
      (section) =>
        `<section>\n<h2 id="${section.id}">${escape(section.title)}</h2>\n${section.blocks.map((block, i) => renderBlock(block, `${section.id}-${i}`)).join('\n')}\n</section>`,
    )
    .join('\n');
  return `<!DOCTYPE html>
<html lang="${document.lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escape(document.title)}</title>
<style>${STYLESHEET}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the report</a>
<header>
<h1>${escape(document.title)}</h1>
<p>${escape(document.subtitle)}</p>
</header>
<nav aria-label="Contents"><ol>${contents}</ol></nav>
<main id="main" tabindex="-1">
${sections}
</main>
<script type="application/json" id="${EMBEDDED_ID}">${signedJson.replaceAll('<', '\\u003c')}</script>
</body>
</html>
`;
}

/** The signed JSON inside a page made by `renderHtml`, as it was before; undefined when there is none. */
export function embeddedJson(html: string): string | undefined {
  const open = `<script type="application/json" id="${EMBEDDED_ID}">`;
  const start = html.indexOf(open);
  const end = html.indexOf('</script>', start);
  return start < 0 || end < 0 ? undefined : html.slice(start + open.length, end).replaceAll('\\u003c', '<');
}

function renderBlock(block: Block, id: string): string {
  if (block.kind === 'paragraph') return `<p>${escape(block.text)}</p>`;
  return block.kind === 'table' ? renderTable(block, id) : renderChart(block, id);
}

function renderTable(table: Table, id: string): string {
  if (table.rows.length === 0) return `<h3>${escape(table.caption)}</h3>\n<p>${escape(table.empty)}</p>`;
  const head = table.columns.map((column) => `<th scope="col"${kind(column)}>${escape(column.label)}</th>`).join('');
  const rows = table.rows
    .map((row) => {
      const cells = table.columns.map((column, i) => {
        const content = column.code ? `<code>${escape(row[i] ?? '')}</code>` : escape(row[i] ?? '');
        return column.heads ? `<th scope="row"${kind(column)}>${content}</th>` : `<td${kind(column)}>${content}</td>`;
      });
      return `<tr>${cells.join('')}</tr>`;
    })
    .join('\n');
  // A region that can be scrolled has to be reachable by keyboard, and to have a name.
  return `<div class="scroll" role="region" tabindex="0" aria-labelledby="${id}"><table>
<caption id="${id}">${escape(table.caption)}</caption>
<thead><tr>${head}</tr></thead>
<tbody>
${rows}
</tbody>
</table></div>`;
}

function kind(column: { align: 'start' | 'end' }): string {
  return column.align === 'end' ? ' class="end"' : '';
}

function renderChart(chart: Chart, id: string): string {
  return `<figure>
<svg viewBox="0 0 ${chart.width} ${chart.height}" role="img" aria-labelledby="${id}-title ${id}-description">
<title id="${id}-title">${escape(chart.title)}</title>
<desc id="${id}-description">${escape(chart.description)}</desc>
${chart.marks.map(renderMark).join('\n')}
</svg>
<figcaption>${escape(chart.title)}. The same figures are in the table below.</figcaption>
</figure>`;
}

function renderMark(mark: Mark): string {
  switch (mark.kind) {
    case 'line':
      return `<polyline class="line ${mark.tone}" stroke-width="${mark.width}" points="${mark.points.map(([x, y]) => `${x},${y}`).join(' ')}"/>`;
    case 'rect':
      return `<rect class="fill ${mark.tone}" x="${mark.x}" y="${mark.y}" width="${mark.width}" height="${mark.height}" rx="3"/>`;
    case 'dot':
      return `<circle class="fill ${mark.tone}" cx="${mark.x}" cy="${mark.y}" r="3.5"/>`;
    case 'text':
      return `<text class="fill ${mark.tone}" x="${mark.x}" y="${mark.y}" text-anchor="${mark.anchor}">${escape(mark.text)}</text>`;
  }
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escape(text: string): string {
  return text.replace(/[&<>"']/g, (char) => ENTITIES[char] ?? char);
}
