import type { Readable } from 'node:stream';
import { Transform } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { type Outcome, isRefused, newId } from '#kernel';
import { DigestMismatch, FileStore, type Tx, UnitOfWork } from '#platform';
import type { messages } from '#protocol';
import { type PromotedPoint, type RestorePoints, Runs } from '#training';
import { isPublic, takesFiles } from './domain/checkpoint.machine.js';
import { checkpointManifest } from './domain/manifest.rule.js';
import { LENGTH_BYTES, MalformedSafetensors, headerLength, readHeader } from './domain/safetensors.reader.js';
import { refuseCheckpoint } from './provenance.refusal.js';
import {
  type CheckpointRow,
  type FileRow,
  type Writer,
  filesOf,
  findCheckpoint,
  findDeclared,
  insertCheckpoint,
  markHashed,
  markReceived,
  moveCheckpoint,
} from './store/checkpoint.store.js';

export const agentFileUrl = (checkpointId: string, path: string): string =>
  `/agent/v1/checkpoints/${checkpointId}/files/${path}`;
export const publicFileUrl = (checkpointId: string, path: string): string =>
  `/checkpoints/${checkpointId}/files/${path}`;

/** A file on its way in: its bytes, and the SHA-256 and size that the sender signed or announced. */
export interface Upload {
  readonly body: Readable;
  readonly sha256: string;
  readonly contentLength: number | undefined;
}

/**
 * Checkpoints from their declaration to their promotion. Every write stands in one statement with the fence on the lease,
 * and bytes are kept only when they have the declared hash.
 */
@Injectable()
export class Checkpoints implements RestorePoints {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly files: FileStore,
    private readonly runs: Runs,
  ) {}

  /** Declares a checkpoint, or finds the one that this lease declared before with the same content. */
  async declare(writer: Writer, message: messages.CheckpointDeclare): Promise<Outcome<messages.CheckpointDeclared>> {
    if (new Set(message.files.map((file) => file.path)).size < message.files.length) {
      return refuseCheckpoint('CHECKPOINT_PATH_REPEATED');
    }
    return this.uow.run('provenance.declare', async (tx) => {
      const lease = await this.runs.peekLease(tx, writer);
      if (!lease) return refuseCheckpoint('LEASE_TOKEN_STALE');
      const spec = await this.runs.spec(tx, lease.runId);
      if (!spec) throw new Error(`lease ${writer.leaseId} has no run`);
      const id = newId();
      const tokens = BigInt(message.tokens);
      const { manifest, sha256 } = checkpointManifest({
        runId: lease.runId,
        attemptId: lease.attemptId,
        parentId: lease.restoredFrom,
        step: BigInt(message.step),
        tokens,
        loss: message.loss,
        files: message.files,
      });
      const outcome = await insertCheckpoint(tx, writer, {
        id,
        parentId: lease.restoredFrom,
        flop: 6n * BigInt(spec.parameters) * tokens,
        manifest,
        manifestSha256: sha256,
        message,
      });
      if (outcome === 'stale') return refuseCheckpoint('LEASE_TOKEN_STALE');
      if (outcome === 'inserted') return this.answer(tx, id, writer.token);
      const earlier = await findDeclared(tx, lease.attemptId, message.step);
      if (!earlier || earlier.leaseId !== writer.leaseId || earlier.manifestSha256 !== sha256) {
        return refuseCheckpoint('CHECKPOINT_CONFLICT', `Step ${message.step}.`);
      }
      return takesFiles(earlier.state)
        ? this.answer(tx, earlier.id, writer.token)
        : { checkpointId: earlier.id, uploads: [] };
    });
  }

  private async answer(tx: Tx, checkpointId: string, token: number): Promise<messages.CheckpointDeclared> {
    const missing = ((await filesOf(tx, [checkpointId])).get(checkpointId) ?? []).filter((file) => !file.receivedAt);
    return {
      checkpointId,
      uploads: missing.map(({ path }) => ({ path, url: `${agentFileUrl(checkpointId, path)}?token=${token}` })),
    };
  }

  /** Takes a file in. What it should be is checked before, while and after its bytes come; a wrong one leaves nothing. */
  async upload(
    caller: Omit<Writer, 'leaseId'>,
    checkpointId: string,
    path: string,
    upload: Upload,
  ): Promise<Outcome<void>> {
    const target = await this.uow.read(async (tx) => {
      const checkpoint = await findCheckpoint(tx, checkpointId);
      if (!checkpoint) return refuseCheckpoint('CHECKPOINT_NOT_FOUND');
      const writer = { ...caller, leaseId: checkpoint.leaseId };
      if (!(await this.runs.peekLease(tx, writer))) return refuseCheckpoint('LEASE_TOKEN_STALE');
      const file = (await filesOf(tx, [checkpointId])).get(checkpointId)?.find((f) => f.path === path);
      if (!file) return refuseCheckpoint('CHECKPOINT_FILE_NOT_FOUND');
      if (!takesFiles(checkpoint.state)) return refuseCheckpoint('CHECKPOINT_CLOSED', `It is ${checkpoint.state}.`);
      return { writer, file };
    });
    if (isRefused(target)) return target;
    const { writer, file } = target;
    const stored = await this.store(file, upload);
    if (isRefused(stored)) return stored;
    return this.uow.run('provenance.received', async (tx) => {
      if (!(await markReceived(tx, writer, checkpointId, path))) return refuseCheckpoint('LEASE_TOKEN_STALE');
    });
  }

  private async store(file: FileRow, upload: Upload): Promise<Outcome<void>> {
    const declared = Number(file.bytes);
    if (upload.contentLength !== undefined && upload.contentLength !== declared) {
      return refuseCheckpoint('CHECKPOINT_SIZE_MISMATCH', `Declared ${declared} bytes, sent ${upload.contentLength}.`);
    }
    if (upload.sha256 !== file.sha256) {
      return refuseCheckpoint('CHECKPOINT_HASH_MISMATCH', `Declared ${file.sha256}, signed ${upload.sha256}.`);
    }
    try {
      const { bytes } = await this.files.put(atMost(upload.body, declared), { sha256: file.sha256 });
      if (bytes !== declared) throw new Error(`${file.sha256} has ${bytes} bytes, declared ${declared}`);
    } catch (error) {
      if (error instanceof DigestMismatch) {
        return refuseCheckpoint('CHECKPOINT_HASH_MISMATCH', `Declared ${error.expected}, received ${error.actual}.`);
      }
      if (error instanceof TooManyBytes)
        return refuseCheckpoint('CHECKPOINT_SIZE_MISMATCH', `Declared ${declared} bytes.`);
      throw error;
    }
  }

  /** Closes a checkpoint whose files are all here: checks that they can be loaded, and makes it the run's restore point. */
  async complete(caller: Omit<Writer, 'leaseId'>, checkpointId: string): Promise<Outcome<CheckpointRow['state']>> {
    const found = await this.uow.read(async (tx) => {
      const checkpoint = await findCheckpoint(tx, checkpointId);
      if (!checkpoint) return refuseCheckpoint('CHECKPOINT_NOT_FOUND');
      const files = (await filesOf(tx, [checkpointId])).get(checkpointId) ?? [];
      const writer = { ...caller, leaseId: checkpoint.leaseId };
      if (!(await this.runs.peekLease(tx, writer))) return refuseCheckpoint('LEASE_TOKEN_STALE');
      return { checkpoint, files, writer };
    });
    if (isRefused(found)) return found;
    const { checkpoint, files, writer } = found;
    // Said again because the answer was lost: it is done already.
    if (isPublic(checkpoint.state)) return checkpoint.state;
    if (checkpoint.state === 'rejected') return refuseCheckpoint('CHECKPOINT_CLOSED', 'It was rejected.');
    const missing = files.filter((file) => !file.receivedAt).map((file) => file.path);
    if (missing.length > 0)
      return refuseCheckpoint('CHECKPOINT_INCOMPLETE', `Missing: ${missing.slice(0, 10).join(', ')}.`);
    const fault = await this.findFault(files);
    if (fault !== undefined) {
      await this.uow.run('provenance.reject', async (tx) => {
        if (await markHashed(tx, writer, checkpointId)) await moveCheckpoint(tx, checkpointId, 'rejected', fault);
      });
      return refuseCheckpoint('CHECKPOINT_UNREADABLE', fault);
    }
    return this.promote(writer, checkpoint, files);
  }

  private promote(
    writer: Writer,
    checkpoint: CheckpointRow,
    files: readonly FileRow[],
  ): Promise<Outcome<CheckpointRow['state']>> {
    return this.uow.run('provenance.promote', async (tx) => {
      if (!(await markHashed(tx, writer, checkpoint.id))) {
        const now = await findCheckpoint(tx, checkpoint.id);
        return now && isPublic(now.state) ? now.state : refuseCheckpoint('LEASE_TOKEN_STALE');
      }
      await moveCheckpoint(tx, checkpoint.id, 'verified');
      const previousId = await this.runs.promotedCheckpoint(tx, checkpoint.runId);
      const promoted = await this.runs.promote(tx, {
        runId: checkpoint.runId,
        attemptId: checkpoint.attemptId,
        checkpointId: checkpoint.id,
        previousId,
        step: checkpoint.step,
        tokens: checkpoint.tokens,
      });
      if (!promoted) {
        // The run has one that is further already.
        await moveCheckpoint(tx, checkpoint.id, 'superseded');
        return 'superseded';
      }
      if (previousId !== null) await moveCheckpoint(tx, previousId, 'superseded');
      await moveCheckpoint(tx, checkpoint.id, 'promoted');
      tx.emit({
        type: 'checkpoint.promoted',
        aggregateType: 'run',
        aggregateId: checkpoint.runId,
        isPublic: true,
        payload: {
          checkpointId: checkpoint.id,
          runId: checkpoint.runId,
          step: String(checkpoint.step),
          tokens: String(checkpoint.tokens),
          flop: checkpoint.flop,
          loss: checkpoint.loss,
          parentId: checkpoint.parentId,
          manifestSha256: checkpoint.manifestSha256,
          files: files.map((f) => ({ path: f.path, bytes: String(f.bytes), sha256: f.sha256 })),
        },
      });
      return 'promoted';
    });
  }

  /** The loader's check: every .safetensors file has a header that fits its bytes. A sentence when one does not. */
  private async findFault(files: readonly FileRow[]): Promise<string | undefined> {
    for (const file of files) {
      if (!file.path.endsWith('.safetensors')) continue;
      const bytes = Number(file.bytes);
      try {
        const length = headerLength(await this.read(file.sha256, 0, LENGTH_BYTES), bytes);
        readHeader(await this.read(file.sha256, LENGTH_BYTES, length), bytes);
      } catch (error) {
        if (error instanceof MalformedSafetensors) return `${file.path}: ${error.message}.`;
        throw error;
      }
    }
  }

  private async read(sha256: string, start: number, length: number): Promise<Buffer> {
    if (length === 0) return Buffer.alloc(0);
    const opened = await this.files.open(sha256, { start, end: start + length - 1 });
    if (!opened) throw new Error(`the bytes of ${sha256} are gone`);
    const chunks: Buffer[] = [];
    for await (const chunk of opened.stream) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  }

  async latestPromoted(tx: Tx, runId: string): Promise<PromotedPoint | undefined> {
    const id = await this.runs.promotedCheckpoint(tx, runId);
    const checkpoint = id === null ? undefined : await findCheckpoint(tx, id);
    if (!checkpoint) return undefined;
    const files = (await filesOf(tx, [checkpoint.id])).get(checkpoint.id) ?? [];
    return {
      step: checkpoint.step,
      tokens: checkpoint.tokens,
      flopHardware: await this.runs.flopHardwareAt(tx, checkpoint),
      restore: {
        checkpointId: checkpoint.id,
        step: Number(checkpoint.step),
        files: files.map((file) => ({
          path: file.path,
          sha256: file.sha256,
          bytes: Number(file.bytes),
          url: agentFileUrl(checkpoint.id, file.path),
        })),
      },
    };
  }
}

class TooManyBytes extends Error {}

/** The stream, ended with an error as soon as it is longer than declared, so that nobody fills the disk. */
function atMost(source: Readable, bytes: number): Readable {
  let seen = 0;
  const gate = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      seen += chunk.length;
      done(seen > bytes ? new TooManyBytes() : null, chunk);
    },
  });
  source.once('error', (error) => gate.destroy(error));
  source.once('close', () => {
    if (!source.readableEnded) gate.destroy(new Error('the sender went away'));
  });
  return source.pipe(gate);
}
