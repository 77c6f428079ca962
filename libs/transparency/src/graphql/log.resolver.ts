import { Args, ID, Query, Resolver } from '@nestjs/graphql';
import { decodeCursor, isUuid, pageOf, pageSize } from '#kernel';
import {
  Access,
  AFTER_ARG,
  CursorKey,
  FIRST_ARG,
  NodeLookup,
  type NodeSource,
  toConnection,
  toGlobalId,
  UnitOfWork,
} from '#platform';
import { toBase64, toHex } from '../merkle/bytes.js';
import { formatTlogProof, formatVerifierKey } from '../notes/index.js';
import { parseLeaf } from '../log/leaf.js';
import type { StoredLeaf } from '../log/log.store.js';
import { TransparencyLog } from '../log/transparency-log.js';
import { LogEntry, LogEntryConnection, LogProof, TransparencyLogState } from './log.types.js';

@Resolver()
export class LogResolver {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly transparencyLog: TransparencyLog,
  ) {}

  @Query(() => TransparencyLogState, { description: 'The transparency log as it stands.' })
  @Access('public')
  async log(): Promise<TransparencyLogState> {
    const { key, checkpoint } = await this.uow.read(async (tx) => ({
      key: await this.transparencyLog.verifierKey(tx),
      checkpoint: await this.transparencyLog.latestCheckpoint(tx),
    }));
    const { size, rootHash, note, issuedAt } = checkpoint;
    return {
      size: BigInt(size),
      rootHash: toBase64(rootHash),
      checkpoint: note,
      verifierKey: formatVerifierKey(key),
      keyId: toHex(key.id),
      issuedAt,
    };
  }

  @CursorKey(/^\d{1,15}$/)
  @Query(() => LogEntryConnection, { description: 'The events of the log, newest first.' })
  @Access('public')
  async logEntries(
    @Args(FIRST_ARG.name, FIRST_ARG) first: number | null,
    @Args(AFTER_ARG.name, AFTER_ARG) after: string | null,
  ): Promise<InstanceType<typeof LogEntryConnection>> {
    const limit = pageSize(first);
    const key = decodeCursor(after);
    const leaves = await this.uow.read(async (tx) => {
      const end = key !== undefined && /^\d{1,15}$/.test(key) ? Number(key) : await this.transparencyLog.size(tx);
      const start = Math.max(0, end - limit - 1);
      return (await this.transparencyLog.leaves(tx, start, end - start)).toReversed();
    });
    return toConnection(
      pageOf(leaves, limit, (leaf) => String(leaf.index)),
      toLogEntry,
      after,
    );
  }

  @Query(() => LogProof, {
    nullable: true,
    description: 'The proof that an event is in the log; null when it is not (yet).',
  })
  @Access('public')
  async logProof(
    @Args('eventId', { type: () => ID, description: 'The id of the event (`LogEntry.eventId`).' }) eventId: string,
  ): Promise<LogProof | null> {
    if (!isUuid(eventId)) return null;
    return this.uow.read(async (tx) => {
      const leaf = await this.transparencyLog.leafOf(tx, eventId);
      if (!leaf) return null;
      const { size, rootHash, note } = await this.transparencyLog.latestCheckpoint(tx);
      const proof = (await this.transparencyLog.inclusionProofs(tx, [leaf.index], size))[0] ?? [];
      return {
        entry: toLogEntry(leaf),
        size: BigInt(size),
        rootHash: toBase64(rootHash),
        hashes: proof.map(toBase64),
        checkpoint: note,
        tlogProof: formatTlogProof({ index: leaf.index, proof, checkpoint: note }),
      };
    });
  }
}

export function toLogEntry(leaf: StoredLeaf): LogEntry {
  return {
    id: toGlobalId('LogEntry', leaf.eventId),
    index: BigInt(leaf.index),
    eventId: leaf.eventId,
    type: leaf.eventType,
    occurredAt: leaf.occurredAt,
    payload: parseLeaf(leaf.data)?.payload ?? null,
    data: Buffer.from(leaf.data).toString('utf8'),
    leafHash: toBase64(leaf.hash),
  };
}

@NodeLookup()
export class LogEntryLookup implements NodeSource {
  readonly typeName = 'LogEntry';

  constructor(
    private readonly uow: UnitOfWork,
    private readonly transparencyLog: TransparencyLog,
  ) {}

  async find(id: string): Promise<object | null> {
    const leaf = await this.uow.read((tx) => this.transparencyLog.leafOf(tx, id));
    return leaf ? toLogEntry(leaf) : null;
  }
}
