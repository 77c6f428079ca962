import { Field, Float, ID, ObjectType, registerEnumType } from '@nestjs/graphql';
import { BigIntScalar, Connection, DateTimeScalar, NodeInterface, UrlScalar } from '#platform';

export enum CheckpointStateEnum {
  DECLARED = 'declared',
  UPLOADING = 'uploading',
  HASHED = 'hashed',
  VERIFIED = 'verified',
  PROMOTED = 'promoted',
  SUPERSEDED = 'superseded',
  ARCHIVED = 'archived',
  REJECTED = 'rejected',
}
registerEnumType(CheckpointStateEnum, {
  name: 'CheckpointState',
  description: 'Where a checkpoint stands.',
  valuesMap: {
    DECLARED: { description: 'Its manifest is known; no file is here.' },
    UPLOADING: { description: 'Files are coming.' },
    HASHED: { description: 'Every byte is here and has the declared hash.' },
    VERIFIED: { description: 'A loader could read it.' },
    PROMOTED: { description: "The run's restore point; its files are public." },
    SUPERSEDED: { description: 'Another is the restore point; its files stay public.' },
    ARCHIVED: { description: 'Kept as a record; its files are no longer served.' },
    REJECTED: { description: 'Not taken: its lease ended on the way, or a file could not be read.' },
  },
});

@ObjectType({ description: 'A file of a checkpoint.' })
export class CheckpointFile {
  @Field(() => String, { description: "Path below the checkpoint's folder." })
  path: string;
  @Field(() => BigIntScalar, { description: 'Size in bytes.' })
  bytes: bigint;
  @Field(() => String, { description: 'SHA-256 of the bytes, lower-case hex.' })
  sha256: string;
  @Field(() => UrlScalar, { nullable: true, description: 'Where anybody may fetch it; null while it is not public.' })
  downloadUrl: string | null;
}

@ObjectType({ implements: () => NodeInterface, description: 'The state of a training at one step, named by its hash.' })
export class Checkpoint {
  @Field(() => ID, { description: 'Global id.' })
  id: string;
  @Field(() => BigIntScalar, { description: 'Step after which it was written.' })
  step: bigint;
  @Field(() => BigIntScalar, { description: 'Tokens trained on until then.' })
  tokens: bigint;
  @Field(() => Float, { description: 'Loss of that step (natural logarithm, mean a token).' })
  loss: number;
  @Field(() => BigIntScalar, { description: 'Operations until then: 6 for each parameter and token.' })
  flop: bigint;
  @Field(() => CheckpointStateEnum, { description: 'Where it stands.' })
  state: CheckpointStateEnum;
  @Field(() => String, {
    description: 'SHA-256 of its manifest: canonical JSON (RFC 8785) of what it is and of each file.',
  })
  manifestSha256: string;
  @Field(() => DateTimeScalar, { nullable: true, description: "When it became the run's restore point." })
  promotedAt: Date | null;
  @Field(() => [CheckpointFile], { description: 'Its files, by path.' })
  files: CheckpointFile[];
  runRowId: string;
}

export const CheckpointConnection = Connection(Checkpoint);
