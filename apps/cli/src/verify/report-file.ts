import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { attachedJson, embeddedJson, type Format, STATEMENT_CSV_HEAD } from '#reports';

/** A downloaded report: what kind of file it is, its bytes, and the signed JSON that belongs to it. */
export interface ReportFile {
  readonly format: Format;
  readonly bytes: Uint8Array;
  readonly json: string;
  /** Where the JSON was found, for the reader. */
  readonly source: string;
}

/** A file that can't be checked, with one line that says what to do. */
export class UnreadableReport extends Error {}

/**
 * Reads any form of a report. JSON is itself; HTML and PDF carry the JSON; CSV can't, so its sibling of the same name
 * (`x.csv` beside `x.json`) or the file given by `--report` is taken.
 */
export async function readReportFile(path: string, sibling?: string): Promise<ReportFile> {
  const bytes = await readBytes(path);
  const text = Buffer.from(bytes).toString('utf8');
  if (text.startsWith('%PDF-')) {
    const json = attachedJson(bytes);
    if (json === undefined)
      throw new UnreadableReport(
        `${path} is a PDF without a signed report inside; download it again from the publisher.`,
      );
    return { format: 'pdf', bytes, json, source: 'attached to the PDF' };
  }
  if (/^\s*<!doctype html/i.test(text)) {
    const json = embeddedJson(text);
    if (json === undefined)
      throw new UnreadableReport(
        `${path} is a web page without a signed report inside; download it again from the publisher.`,
      );
    return { format: 'html', bytes, json, source: 'inside the page' };
  }
  if (text.trimStart().startsWith('{')) return { format: 'json', bytes, json: text, source: 'the file itself' };
  if (!text.startsWith('"section","subject","figure","value","unit"\r\n') && !text.startsWith(STATEMENT_CSV_HEAD)) {
    throw new UnreadableReport(`${path} is none of the forms of a report (JSON, HTML, PDF, CSV).`);
  }
  const json = sibling ?? join(dirname(path), `${basename(path, '.csv')}.json`);
  const found = await readBytes(
    json,
    `${path} is a CSV and carries no signature; put the JSON of the same version beside it as ${json}, or name it with --report FILE.`,
  );
  return { format: 'csv', bytes, json: Buffer.from(found).toString('utf8'), source: json };
}

async function readBytes(path: string, missing = `${path} can't be read; check the name.`): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch {
    throw new UnreadableReport(missing);
  }
}
