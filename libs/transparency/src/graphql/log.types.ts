import { Field, ID, ObjectType } from '@nestjs/graphql';
import { BigIntScalar, Connection, DateTimeScalar, JsonScalar, NodeInterface } from '#platform';

@ObjectType({
  description:
    'The transparency log as it stands: a Merkle tree (RFC 9162) of every public event. Hashes are base64, as in the checkpoint.',
})
export class TransparencyLogState {
  @Field(() => BigIntScalar, { description: 'How many events the log holds.' })
  size: bigint;

  @Field(() => String, { description: 'Root hash of the tree of that size.' })
  rootHash: string;

  @Field(() => String, { description: 'The signed checkpoint: a C2SP signed note over origin, size and root.' })
  checkpoint: string;

  @Field(() => String, {
    description: 'The key that signs it, as a C2SP verifier key. Compare it with one you got elsewhere.',
  })
  verifierKey: string;

  @Field(() => String, { description: 'The four bytes of the key that a signature line names, in hex.' })
  keyId: string;

  @Field(() => DateTimeScalar, { description: 'When the checkpoint was signed.' })
  issuedAt: Date;
}

@ObjectType({ implements: () => [NodeInterface], description: 'One public event in the log.' })
export class LogEntry implements NodeInterface {
  @Field(() => ID, { description: 'Global id.' })
  id: string;

  @Field(() => BigIntScalar, { description: 'Its place in the log, counted from 0.' })
  index: bigint;

  @Field(() => ID, { description: 'The id of the event, as other records name it.' })
  eventId: string;

  @Field(() => String, { description: 'What happened, for example "pledge.cash.captured".' })
  type: string;

  @Field(() => DateTimeScalar, { description: 'When it happened.' })
  occurredAt: Date;

  @Field(() => JsonScalar, {
    nullable: true,
    description: 'What the event says; null when the entry holds only the digest of a very long one.',
  })
  payload: unknown;

  @Field(() => String, { description: 'The exact text that is hashed: canonical JSON (RFC 8785).' })
  data: string;

  @Field(() => String, { description: 'SHA-256 of a zero byte and that text.' })
  leafHash: string;
}

export const LogEntryConnection = Connection(LogEntry);

@ObjectType({ description: 'A proof that an event is in the log. It can be checked without asking us again.' })
export class LogProof {
  @Field(() => LogEntry, { description: 'The event.' })
  entry: LogEntry;

  @Field(() => BigIntScalar, { description: 'The size of the tree that the proof speaks of.' })
  size: bigint;

  @Field(() => String, { description: 'The root hash of that tree.' })
  rootHash: string;

  @Field(() => [String], { description: 'The sibling hashes from the leaf to the root.' })
  hashes: string[];

  @Field(() => String, { description: 'The signed checkpoint of that tree.' })
  checkpoint: string;

  @Field(() => String, { description: 'All of it as one file (C2SP tlog-proof).' })
  tlogProof: string;
}
