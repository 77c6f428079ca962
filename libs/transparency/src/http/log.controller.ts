import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { UnitOfWork } from '#platform';
import { concatBytes, toBase64 } from '../merkle/bytes.js';
import { encodeEntries, parseTilePath, tileExists, tileSpan } from '../merkle/tiles.js';
import { formatTlogProof, formatVerifierKey } from '../notes/index.js';
import { TransparencyLog } from '../log/transparency-log.js';
import { sendProblem } from './problem.js';

const FOREVER = 'public, max-age=31536000, immutable';
const MOMENT = 'public, max-age=1';
const MAX_LEAVES = 1_000;

/** The log as C2SP tlog-tiles says, below the prefix `/log`, and as JSON for those who'd rather not cut tiles. */
@Controller('log')
export class LogController {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly log: TransparencyLog,
  ) {}

  /** The newest signed checkpoint. */
  @Get('checkpoint')
  async checkpoint(@Res() res: Response): Promise<void> {
    const { note } = await this.uow.read((tx) => this.log.latestCheckpoint(tx));
    res.setHeader('Content-Type', 'text/plain; charset=utf-8').setHeader('Cache-Control', MOMENT).send(note);
  }

  /** The key that all checkpoints and reports are signed with, as a C2SP verifier key. */
  @Get('key')
  async key(@Res() res: Response): Promise<void> {
    const key = await this.uow.read((tx) => this.log.verifierKey(tx));
    res
      .setHeader('Content-Type', 'text/plain; charset=utf-8')
      .setHeader('Cache-Control', 'public, max-age=3600')
      .send(`${formatVerifierKey(key)}\n`);
  }

  /** `tile/<L>/<N>[.p/<W>]` and `tile/entries/<N>[.p/<W>]`. */
  @Get('tile/*path')
  async tile(@Req() req: Request, @Res() res: Response): Promise<void> {
    const ref = parseTilePath(req.path.slice(req.path.indexOf('/log/') + '/log/'.length));
    if (!ref) {
      sendProblem(res, {
        status: 400,
        code: 'LOG_TILE_PATH_INVALID',
        title: 'This is not the path of a tile.',
        hint: 'Ask for /log/tile/0/000 or, while it is partial, /log/tile/0/000.p/17.',
      });
      return;
    }
    const bytes = await this.uow.read(async (tx) => {
      if (ref.level !== 'entries') {
        const hashes = await this.log.tile(tx, ref);
        return hashes && concatBytes(...hashes);
      }
      if (!tileExists(ref, await this.log.size(tx))) return undefined;
      const { start, end } = tileSpan(ref);
      return encodeEntries((await this.log.leaves(tx, start, end - start)).map((leaf) => leaf.data));
    });
    if (!bytes) {
      sendProblem(res, {
        status: 404,
        code: 'LOG_TILE_NOT_YET',
        title: 'The log has no such tile yet.',
        hint: 'Read /log/checkpoint for the size; a partial tile is asked for by its width.',
      });
      return;
    }
    res
      .setHeader('Content-Type', 'application/octet-stream')
      .setHeader('Cache-Control', FOREVER)
      .send(Buffer.from(bytes));
  }

  /** The proof that leaf `index` is in the tree of `size`; with `format=tlog-proof` as a C2SP file. */
  @Get('proof/inclusion')
  async inclusion(@Query() query: Record<string, string>, @Res() res: Response): Promise<void> {
    const index = natural(query['index']);
    const answer = await this.uow.read(async (tx) => {
      const newest = await this.log.latestCheckpoint(tx);
      const size = query['size'] === undefined ? newest.size : natural(query['size']);
      if (index === undefined || size === undefined || index >= size || size > newest.size) return undefined;
      const [proof] = await this.log.inclusionProofs(tx, [index], size);
      const [leaf] = await this.log.leaves(tx, index, 1);
      const checkpoint = size === newest.size ? newest : await this.log.checkpoint(tx, size);
      return { index, size, leafHash: leaf?.hash, proof: proof ?? [], checkpoint };
    });
    if (!answer?.leafHash) {
      sendProblem(res, {
        status: 400,
        code: 'LOG_PROOF_RANGE',
        title: 'There is no such leaf in a tree of this size.',
        hint: 'Give index < size <= the size in /log/checkpoint.',
      });
      return;
    }
    const { size, leafHash, proof, checkpoint } = answer;
    if (query['format'] === 'tlog-proof') {
      if (!checkpoint) {
        sendProblem(res, {
          status: 404,
          code: 'LOG_CHECKPOINT_NOT_SIGNED',
          title: 'No checkpoint was signed at this size.',
          hint: 'Leave the size out to get the proof in the newest checkpoint.',
        });
        return;
      }
      const text = formatTlogProof({ index: answer.index, proof, checkpoint: checkpoint.note });
      res.setHeader('Content-Type', 'text/plain; charset=utf-8').setHeader('Cache-Control', MOMENT).send(text);
      return;
    }
    const body = {
      index: answer.index,
      size,
      leafHash: toBase64(leafHash),
      proof: proof.map(toBase64),
      checkpoint: checkpoint?.note ?? null,
    };
    res.setHeader('Cache-Control', query['size'] === undefined ? MOMENT : FOREVER).json(body);
  }

  /** The proof that the tree of `to` (the newest when absent) extends the tree of `from`. */
  @Get('proof/consistency')
  async consistency(@Query() query: Record<string, string>, @Res() res: Response): Promise<void> {
    const from = natural(query['from']);
    const answer = await this.uow.read(async (tx) => {
      const newest = await this.log.size(tx);
      const to = query['to'] === undefined ? newest : natural(query['to']);
      if (from === undefined || to === undefined || from < 1 || from > to || to > newest) return undefined;
      return { from, to, proof: (await this.log.consistencyProof(tx, from, to)).map(toBase64) };
    });
    if (!answer) {
      sendProblem(res, {
        status: 400,
        code: 'LOG_PROOF_RANGE',
        title: 'There is no proof between these sizes.',
        hint: 'Give 1 <= from <= to <= the size in /log/checkpoint.',
      });
      return;
    }
    res.setHeader('Cache-Control', query['to'] === undefined ? MOMENT : FOREVER).json(answer);
  }

  /** Leaves as text: exactly the bytes that are hashed. At most 1,000 at once. */
  @Get('leaves')
  async leaves(@Query() query: Record<string, string>, @Res() res: Response): Promise<void> {
    const start = natural(query['start'] ?? '0');
    const count = natural(query['count'] ?? '100');
    if (start === undefined || count === undefined || count < 1 || count > MAX_LEAVES) {
      sendProblem(res, {
        status: 400,
        code: 'LOG_LEAVES_RANGE',
        title: 'The range of leaves is not valid.',
        hint: `Give start >= 0 and count from 1 to ${MAX_LEAVES}.`,
      });
      return;
    }
    const body = await this.uow.read(async (tx) => {
      const size = await this.log.size(tx);
      const leaves = await this.log.leaves(tx, start, Math.min(count, Math.max(0, size - start)));
      return {
        size,
        start,
        leaves: leaves.map((leaf) => ({
          index: leaf.index,
          data: Buffer.from(leaf.data).toString('utf8'),
          hash: toBase64(leaf.hash),
        })),
      };
    });
    res.setHeader('Cache-Control', MOMENT).json(body);
  }
}

function natural(text: string | undefined): number | undefined {
  const value = text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  return value !== undefined && Number.isSafeInteger(value) ? value : undefined;
}
