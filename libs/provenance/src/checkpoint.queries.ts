import { Injectable } from '@nestjs/common';
import { type Outcome, type Page, type PageArgs, decodeCursor, isUuid, pageOf, pageSize } from '#kernel';
import { type Tx, UnitOfWork } from '#platform';
import { isPublic } from './domain/checkpoint.machine.js';
import { refuseCheckpoint } from './provenance.refusal.js';
import {
  CHECKPOINT_COLUMNS,
  type CheckpointRow,
  type FileRow,
  filesOf,
  findCheckpoint,
} from './store/checkpoint.store.js';

export type CheckpointWithFiles = CheckpointRow & { readonly files: readonly FileRow[] };

/** Reads of checkpoints. */
@Injectable()
export class CheckpointQueries {
  constructor(private readonly uow: UnitOfWork) {}

  find(id: string): Promise<CheckpointWithFiles | undefined> {
    return this.uow.read(async (tx) => {
      const row = await findCheckpoint(tx, id);
      return row ? (await withFiles(tx, [row]))[0] : undefined;
    });
  }

  /** Checkpoints of a run, newest first. */
  ofRun(runId: string, args: PageArgs): Promise<Page<CheckpointWithFiles>> {
    const limit = pageSize(args.first);
    const after = decodeCursor(args.after);
    return this.uow.read(async (tx) => {
      const rows = await tx.query<CheckpointRow>(
        `SELECT ${CHECKPOINT_COLUMNS} FROM checkpoint c WHERE c.run_id = $1 AND ($2::uuid IS NULL OR c.id < $2)
          ORDER BY c.id DESC LIMIT ${limit + 1}`,
        [runId, after !== undefined && isUuid(after) ? after : null],
      );
      return pageOf(await withFiles(tx, rows), limit, (row) => row.id);
    });
  }

  /** A file that anybody may fetch. */
  async publicFile(id: string, path: string): Promise<Outcome<{ checkpoint: CheckpointRow; file: FileRow }>> {
    const checkpoint = isUuid(id) ? await this.find(id) : undefined;
    if (!checkpoint || !isPublic(checkpoint.state)) return refuseCheckpoint('CHECKPOINT_NOT_FOUND');
    const file = checkpoint.files.find((candidate) => candidate.path === path);
    return file ? { checkpoint, file } : refuseCheckpoint('CHECKPOINT_FILE_NOT_FOUND');
  }
}

async function withFiles(tx: Tx, rows: readonly CheckpointRow[]): Promise<CheckpointWithFiles[]> {
  const files = await filesOf(
    tx,
    rows.map((row) => row.id),
  );
  return rows.map((row) => ({ ...row, files: files.get(row.id) ?? [] }));
}
