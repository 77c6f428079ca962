/**
 * The report as PDF: archive (PDF/A-3a) and accessible (PDF/UA-1) at once, tagged, fonts embedded, with the signed JSON
 * inside as its source. The same report gives the same bytes: dates come from the report, streams are not compressed
 * (deflate differs between zlib builds), and pdfkit derives the file's id from the document's information alone.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import PDFDocument from 'pdfkit';
import type { Block, ReportDocument } from '../document/document.js';
import { drawChart } from './pdf-chart.js';
import { artifact, ensureRoom, innerWidth, MARGIN, PALETTE, type Pdf, type Tag } from './pdf-page.js';
import { drawTable } from './pdf-table.js';

const require = createRequire(import.meta.url);

// PDF/A asks for a description of every metadata schema that isn't its own; PDF/UA's is one.
const UA_METADATA = `
<rdf:Description xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/" rdf:about=""><pdfuaid:part>1</pdfuaid:part></rdf:Description>
<rdf:Description xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/" xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#" rdf:about="">
<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">
<pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI><pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix><pdfaSchema:schema>PDF/UA identification schema</pdfaSchema:schema>
<pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource"><pdfaProperty:category>internal</pdfaProperty:category><pdfaProperty:description>Indicates which part of ISO 14289 the file conforms to</pdfaProperty:description><pdfaProperty:name>part</pdfaProperty:name><pdfaProperty:valueType>Integer</pdfaProperty:valueType></rdf:li></rdf:Seq></pdfaSchema:property>
</rdf:li></rdf:Bag></pdfaExtension:schemas></rdf:Description>`;

/** What names a document and dates it. */
interface Edition {
  readonly slug: string;
  readonly version: number;
  readonly lastEventAt: string;
}

export async function renderPdf(document: ReportDocument, report: Edition, signedJson: string): Promise<Uint8Array> {
  const date = new Date(report.lastEventAt === '' ? 0 : report.lastEventAt);
  const doc = openPdf(document, date);
  const chunks: Uint8Array[] = [];
  const done = new Promise<void>((resolve, reject) => {
    doc.on('data', (chunk: Uint8Array) => chunks.push(chunk));
    doc.on('end', resolve);
    doc.on('error', reject);
  });
  drawDocument(doc, document);
  numberPages(doc, `${report.slug}, version ${report.version}`);
  doc.file(Buffer.from(signedJson), {
    name: `${report.slug}.v${report.version}.json`,
    type: 'application/json',
    description: 'The signed report with its proofs, as canonical JSON',
    relationship: 'Source',
    creationDate: date,
    modifiedDate: date,
  } as PDFKit.Mixins.PDFAttachmentOptions);
  (doc as unknown as { appendXML(xml: string): void }).appendXML(UA_METADATA);
  doc.end();
  await done;
  return Buffer.concat(chunks);
}

function openPdf(document: ReportDocument, date: Date): Pdf {
  const fonts = join(dirname(require.resolve('dejavu-fonts-ttf/package.json')), 'ttf');
  const doc = new PDFDocument({
    size: 'A4',
    margins: { top: MARGIN, bottom: MARGIN + 14, left: MARGIN, right: MARGIN },
    pdfVersion: '1.7',
    subset: 'PDF/A-3a',
    tagged: true,
    lang: document.lang,
    displayTitle: true,
    compress: false,
    bufferPages: true,
    // None to begin with: a standard font would not be embedded.
    font: '',
    info: {
      Title: document.title,
      Author: 'Commonweights',
      Creator: 'Commonweights',
      Producer: 'Commonweights',
      CreationDate: date,
      ModDate: date,
    },
  } as PDFKit.PDFDocumentOptions);
  doc.registerFont('text', join(fonts, 'DejaVuSans.ttf'));
  doc.registerFont('bold', join(fonts, 'DejaVuSans-Bold.ttf'));
  doc.registerFont('code', join(fonts, 'DejaVuSansMono.ttf'));
  return doc;
}

function drawDocument(doc: Pdf, document: ReportDocument): void {
  const root = doc.struct('Document', { lang: document.lang } as never);
  doc.addStructure(root);
  paragraph(doc, root, 'H1', document.title, { font: 'bold', size: 20, gap: 6 });
  paragraph(doc, root, 'P', document.subtitle, { font: 'text', size: 9.5, gap: 10 });
  for (const section of document.sections) {
    const part = doc.struct('Sect', { title: section.title });
    root.add(part);
    ensureRoom(doc, 60 + leadHeight(doc, section.blocks[0]));
    doc.y += 12;
    doc.outline.addItem(section.title);
    paragraph(doc, part, 'H2', section.title, { font: 'bold', size: 14, gap: 5 });
    for (const block of section.blocks) drawBlock(doc, part, block);
    part.end();
  }
  root.end();
}

/** What a heading must not be parted from: the first block, whole if it is a drawing. */
function leadHeight(doc: Pdf, block: Block | undefined): number {
  return block?.kind === 'chart' ? (block.height / block.width) * innerWidth(doc) : 60;
}

function drawBlock(doc: Pdf, parent: Tag, block: Block): void {
  if (block.kind === 'paragraph') paragraph(doc, parent, 'P', block.text, { font: 'text', size: 9.5, gap: 6 });
  else if (block.kind === 'chart') drawChart(doc, parent, block);
  else if (block.rows.length === 0) {
    ensureRoom(doc, 40);
    paragraph(doc, parent, 'H3', block.caption, { font: 'bold', size: 10, gap: 2 });
    paragraph(doc, parent, 'P', block.empty, { font: 'text', size: 9.5, gap: 6 });
  } else drawTable(doc, parent, block);
}

function paragraph(
  doc: Pdf,
  parent: Tag,
  tag: string,
  text: string,
  style: { font: string; size: number; gap: number },
): void {
  const element = doc.struct(tag, {}, () => {
    doc
      .font(style.font)
      .fontSize(style.size)
      .fillColor(PALETTE.ink)
      .text(text, MARGIN, doc.y, { width: innerWidth(doc), lineGap: 1.5 });
  });
  parent.add(element);
  element.end();
  doc.y += style.gap;
}

function numberPages(doc: Pdf, label: string): void {
  const { start, count } = doc.bufferedPageRange();
  for (let page = start; page < start + count; page += 1) {
    doc.switchToPage(page);
    // Text below the bottom margin would begin a new page.
    doc.page.margins.bottom = 0;
    artifact(
      doc,
      () => {
        doc.font('text').fontSize(8).fillColor(PALETTE.muted);
        doc.text(`${label} · page ${page + 1} of ${count}`, MARGIN, doc.page.height - MARGIN + 4, {
          width: innerWidth(doc),
          align: 'right',
          lineBreak: false,
        });
      },
      'Pagination',
    );
  }
}
