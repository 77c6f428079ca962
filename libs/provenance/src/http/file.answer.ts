import { pipeline } from 'node:stream/promises';
import type { FileStore } from '#platform';
import type { Request, Response } from 'express';
import type { CheckpointRow, FileRow } from '../store/checkpoint.store.js';

/** One byte range of a request, or null when there is none that we serve; `invalid` when it lies outside. */
function rangeOf(header: string | undefined, bytes: number): { start: number; end: number } | 'invalid' | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (!match || (match[1] === '' && match[2] === '')) return null;
  const start = match[1] === '' ? Math.max(0, bytes - Number(match[2])) : Number(match[1]);
  const end = match[1] === '' || match[2] === '' ? bytes - 1 : Math.min(Number(match[2]), bytes - 1);
  return start > end || start >= bytes ? 'invalid' : { start, end };
}

/**
 * Sends a checkpoint's file. Its address never means other bytes, so it may be cached for ever; the strong ETag is the
 * SHA-256, and a download that broke off goes on by a byte range.
 */
export async function sendFile(
  request: Request,
  response: Response,
  store: FileStore,
  checkpoint: Pick<CheckpointRow, 'step'>,
  file: FileRow,
): Promise<void> {
  const bytes = Number(file.bytes);
  const etag = `"${file.sha256}"`;
  const name = `step-${checkpoint.step}-${file.path.split('/').at(-1) ?? 'file'}`;
  response.set({
    etag,
    'repr-digest': `sha-256=:${Buffer.from(file.sha256, 'hex').toString('base64')}:`,
    'cache-control': 'public, max-age=31536000, immutable',
    'accept-ranges': 'bytes',
    'content-type': file.path.endsWith('.json') ? 'application/json' : 'application/octet-stream',
    'content-disposition': `attachment; filename="${name}"`,
    'x-content-type-options': 'nosniff',
  });
  const known = (request.headers['if-none-match'] ?? '').split(',').map((tag) => tag.trim());
  if (known.includes(etag) || known.includes('*')) return void response.status(304).end();
  const ifRange = request.headers['if-range'];
  const range = ifRange === undefined || ifRange === etag ? rangeOf(request.headers.range, bytes) : null;
  if (range === 'invalid') return void response.status(416).set('content-range', `bytes */${bytes}`).end();
  const opened = await store.open(file.sha256, range ?? undefined);
  if (!opened) throw new Error(`the bytes of ${file.sha256} are gone`);
  if (range) response.status(206).set('content-range', `bytes ${range.start}-${range.end}/${bytes}`);
  response.set('content-length', String(range ? range.end - range.start + 1 : bytes));
  if (request.method === 'HEAD') {
    opened.stream.destroy();
    return void response.end();
  }
  // A reader that goes away in the middle is no fault of ours.
  await pipeline(opened.stream, response).catch(() => undefined);
}
