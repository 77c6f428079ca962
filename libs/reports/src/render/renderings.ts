/** Every form in which a report is published. All are functions of the signed report alone. */
import { createHash } from 'node:crypto';
import { canonicalJson } from '#kernel';
import { runDocument } from '../document/run-document.js';
import { reportText } from '../domain/run-report.js';
import { readSignedReport, type SignedReport } from '../domain/signed-report.js';
import { renderCsv } from './csv.js';
import { renderHtml } from './html.js';
import { renderPdf } from './pdf.js';

export const FORMATS = {
  json: 'application/json; charset=utf-8',
  html: 'text/html; charset=utf-8',
  csv: 'text/csv; charset=utf-8; header=present',
  pdf: 'application/pdf',
} as const;
export type Format = keyof typeof FORMATS;

export function isFormat(text: string): text is Format {
  return Object.hasOwn(FORMATS, text);
}

/** The digest that the log records for a report: SHA-256 of its canonical JSON, without signature and evidence. */
export function reportDigest(signed: SignedReport): string {
  return createHash('sha256').update(reportText(signed.report)).digest('hex');
}

export async function render(signed: SignedReport, format: Format): Promise<Uint8Array> {
  const json = canonicalJson(signed);
  switch (format) {
    case 'json':
      return Buffer.from(json);
    case 'csv':
      return Buffer.from(renderCsv(signed.report, reportDigest(signed)));
    case 'html':
      return Buffer.from(renderHtml(runDocument(signed.report, reportDigest(signed)), json));
    case 'pdf':
      return renderPdf(runDocument(signed.report, reportDigest(signed)), signed.report, json);
  }
}

/** Whether the bytes are exactly what the signed report looks like in this form. */
export async function isRenderedFrom(json: string, format: Format, bytes: Uint8Array): Promise<boolean> {
  const signed = readSignedReport(json);
  return signed !== undefined && Buffer.compare(await render(signed, format), bytes) === 0;
}
