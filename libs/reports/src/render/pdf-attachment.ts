/** Finds the files embedded in a PDF without a PDF library, for those that `renderPdf` writes and other plain ones. */
import { inflateSync } from 'node:zlib';

const OBJECT = /\d+ 0 obj\s*<<((?:(?!\bendobj\b)[\s\S]){0,4000}?)>>\s*stream\r?\n/g;
const MAX_BYTES = 256 * 1024 * 1024;

/** The first embedded file whose text begins with a brace, as text; undefined when there is none. */
export function attachedJson(pdf: Uint8Array): string | undefined {
  // latin1 keeps one character for each byte, so that offsets in the text are offsets in the file.
  const buffer = Buffer.from(pdf.buffer, pdf.byteOffset, pdf.byteLength);
  const source = buffer.toString('latin1');
  for (const match of source.matchAll(OBJECT)) {
    const dictionary = match[1] ?? '';
    const length = /\/Length (\d+)(?!\s+\d+\s+R)/.exec(dictionary)?.[1];
    if (!/\/Type\s*\/EmbeddedFile/.test(dictionary) || length === undefined) continue;
    const start = match.index + match[0].length;
    const text = decode(buffer.subarray(start, start + Number(length)), dictionary);
    if (text?.startsWith('{')) return text;
  }
  return undefined;
}

function decode(bytes: Uint8Array, dictionary: string): string | undefined {
  try {
    const plain = /\/FlateDecode/.test(dictionary)
      ? inflateSync(bytes, { maxOutputLength: MAX_BYTES })
      : Buffer.from(bytes);
    return plain.toString('utf8');
  } catch {
    return undefined;
  }
}
