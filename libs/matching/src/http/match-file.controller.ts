import { pipeline } from 'node:stream/promises';
import { Controller, Get, Param, Res } from '@nestjs/common';
import type { Response } from 'express';
import { FileStore } from '#platform';
import { type Problem, sendProblem } from '#transparency';
import { MatchingQueries } from '../matching.queries.js';

const NOT_FOUND: Problem = {
  status: 404,
  code: 'MATCH_RESULT_NOT_FOUND',
  title: 'There is no such result.',
  hint: 'Find rounds and the addresses of their results with the GraphQL field "matchRounds".',
};
// no-transform: the digest is of these very bytes, so nobody on the way may compress them.
const FOREVER = 'public, max-age=31536000, immutable, no-transform';
const SHORT = 'public, max-age=10, must-revalidate, no-transform';

type MatchFile = 'result' | 'round';

/**
 * Downloads of rounds: `/matching/:slug/result.json` and `/matching/:slug/round.json` are the newest,
 * `/matching/:slug/v/:version/…` is one for ever. `commonweights match verify` takes the two.
 */
@Controller('matching')
export class MatchFileController {
  constructor(
    private readonly queries: MatchingQueries,
    private readonly files: FileStore,
  ) {}

  @Get(':slug/result.json')
  result(@Param('slug') slug: string, @Res() res: Response): Promise<void> {
    return this.answer(res, slug, 'result', 'latest');
  }

  @Get(':slug/round.json')
  round(@Param('slug') slug: string, @Res() res: Response): Promise<void> {
    return this.answer(res, slug, 'round', 'latest');
  }

  @Get(':slug/v/:version/result.json')
  oldResult(@Param('slug') slug: string, @Param('version') version: string, @Res() res: Response): Promise<void> {
    return this.answer(res, slug, 'result', version);
  }

  @Get(':slug/v/:version/round.json')
  oldRound(@Param('slug') slug: string, @Param('version') version: string, @Res() res: Response): Promise<void> {
    return this.answer(res, slug, 'round', version);
  }

  private async answer(res: Response, slug: string, file: MatchFile, version: string): Promise<void> {
    const isLatest = version === 'latest';
    if (!isLatest && !/^[1-9]\d{0,8}$/.test(version)) return sendProblem(res, NOT_FOUND);
    const row = await this.queries.file(slug, isLatest ? 'latest' : Number(version));
    if (!row) return sendProblem(res, NOT_FOUND);
    const sha256 = file === 'result' ? row.resultFile : row.roundFile;
    const opened = await this.files.open(sha256);
    if (!opened) throw new Error(`The file ${sha256} of a round is missing from the file store.`);
    res.setHeader('Content-Type', 'application/json; charset=utf-8');
    res.setHeader('Content-Length', opened.bytes);
    res.setHeader('Content-Disposition', `inline; filename="${slug}.v${row.version}.${file}.json"`);
    res.setHeader('ETag', `"${sha256}"`);
    res.setHeader('Repr-Digest', `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`);
    res.setHeader('Cache-Control', isLatest ? SHORT : FOREVER);
    res.setHeader('X-Content-Type-Options', 'nosniff');
    // A reader that goes away in the middle is no error of ours.
    await pipeline(opened.stream, res).catch((error: { code?: string }) => {
      if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
    });
  }
}
