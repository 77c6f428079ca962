import { Controller, Get, Inject, Param, Put, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DigestMismatch, FileStore, UnitOfWork, VIEWER_RESOLVER, type ViewerResolver } from '#platform';
import { EVIDENCE_FILES } from './evidence-file.address.js';

const FILE_BYTES_MAX = 25 * 1024 * 1024;

class TooManyBytes extends Error {}

const PROBLEMS = {
  EVIDENCE_FILE_UNAUTHENTICATED: [401, 'Sign in first, or send a personal API token with the scope "campaign:write".'],
  EVIDENCE_FILE_DIGEST_INVALID: [
    400,
    'The address ends with the SHA-256 of the bytes, 64 lower-case hexadecimal digits.',
  ],
  EVIDENCE_FILE_DIGEST_MISMATCH: [422, 'The bytes do not have that SHA-256. Nothing was stored.'],
  EVIDENCE_FILE_TOO_LARGE: [413, 'A file of evidence has at most 25 MiB. Nothing was stored.'],
  EVIDENCE_FILE_NOT_FOUND: [404, 'No evidence names such a file.'],
} as const satisfies Record<string, readonly [number, string]>;

/** Files of evidence: put by whoever is to submit them, named by their digest, and open to anybody once submitted. */
@Controller(EVIDENCE_FILES)
export class EvidenceFileController {
  constructor(
    private readonly files: FileStore,
    private readonly uow: UnitOfWork,
    @Inject(VIEWER_RESOLVER) private readonly viewers: ViewerResolver,
  ) {}

  @Put(':sha256')
  async put(@Param('sha256') sha256: string, @Req() request: Request, @Res() response: Response): Promise<void> {
    const { authorization, cookie } = request.headers;
    const viewer = await this.viewers.resolve({ authorization, cookie });
    const may = viewer.kind === 'contributor' && (viewer.scopes === 'all' || viewer.scopes.has('campaign:write'));
    if (!may) return problem(response, 'EVIDENCE_FILE_UNAUTHENTICATED');
    if (!/^[0-9a-f]{64}$/.test(sha256)) return problem(response, 'EVIDENCE_FILE_DIGEST_INVALID');
    try {
      const { bytes } = await this.files.put(atMost(request), { sha256 });
      response.status(201).json({ sha256, bytes });
    } catch (error) {
      if (error instanceof DigestMismatch) return problem(response, 'EVIDENCE_FILE_DIGEST_MISMATCH');
      if (error instanceof TooManyBytes) return problem(response, 'EVIDENCE_FILE_TOO_LARGE');
      throw error;
    }
  }

  @Get(':sha256')
  async get(@Param('sha256') sha256: string, @Res() response: Response): Promise<void> {
    const file = await this.#submitted(sha256);
    const opened = file === undefined ? undefined : await this.files.open(sha256);
    if (opened === undefined) return problem(response, 'EVIDENCE_FILE_NOT_FOUND');
    response.set({
      etag: `"${sha256}"`,
      'cache-control': 'public, max-age=31536000, immutable',
      // Strangers’ bytes: they are downloaded, and never shown as a page of ours.
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(file ?? sha256)}`,
      'x-content-type-options': 'nosniff',
      'content-length': String(opened.bytes),
    });
    // A reader that goes away in the middle is no fault of ours.
    await pipeline(opened.stream, response).catch(() => undefined);
  }

  /** The name under which evidence names the file. */
  async #submitted(sha256: string): Promise<string | undefined> {
    if (!/^[0-9a-f]{64}$/.test(sha256)) return undefined;
    const [row] = await this.uow.read((tx) =>
      tx.query<{ name: string }>(
        `SELECT f ->> 'name' AS name FROM disbursement_evidence e, jsonb_array_elements(e.files) f
          WHERE e.files @> $1::jsonb AND f ->> 'sha256' = $2 LIMIT 1`,
        [JSON.stringify([{ sha256 }]), sha256],
      ),
    );
    return row?.name;
  }
}

/** The stream, ended with an error as soon as it is too long, so that nobody fills the disk. */
function atMost(source: Request): Transform {
  let seen = 0;
  const gate = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      seen += chunk.length;
      done(seen > FILE_BYTES_MAX ? new TooManyBytes() : null, chunk);
    },
  });
  source.once('error', (error) => gate.destroy(error));
  return source.pipe(gate);
}

function problem(response: Response, code: keyof typeof PROBLEMS): void {
  const [status, hint] = PROBLEMS[code];
  response
    .status(status)
    .type('application/problem+json')
    .send(JSON.stringify({ type: 'about:blank', status, code, title: hint, hint }));
}
