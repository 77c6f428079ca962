import { Field, ID, InputType, Int, ObjectType } from '@nestjs/graphql';
import { BigIntScalar, Connection, DateTimeScalar, NodeInterface, UrlScalar, UserError } from '#platform';

@ObjectType({ description: 'One form of a version of a report, to download.' })
export class ReportDownload {
  @Field(() => String, { description: '"html", "json", "csv" or "pdf".' })
  format: string;

  @Field(() => UrlScalar, { description: 'Permanent address; what is there never changes.' })
  url: string;

  @Field(() => String, { description: 'Media type, for example "application/pdf".' })
  mediaType: string;

  @Field(() => BigIntScalar, { description: 'Size in bytes.' })
  bytes: bigint;

  @Field(() => String, { description: 'SHA-256 of the bytes, in hex.' })
  sha256: string;
}

@ObjectType('ReportVersion', {
  description: 'One version of a report. It never changes; a correction is the next version.',
})
export class ReportVersionType {
  @Field(() => Int, { description: 'Counted from 1.' })
  version: number;

  @Field(() => BigIntScalar, {
    description: 'The size of the log that it speaks of: it knows the events before this place and no others.',
  })
  logSize: bigint;

  @Field(() => String, { description: 'SHA-256 of the report’s canonical JSON, in hex, as the log records it.' })
  sha256: string;

  @Field(() => Int, { nullable: true, description: 'The version that this one corrects.' })
  correctsVersion: number | null;

  @Field(() => DateTimeScalar, { description: 'When it was published.' })
  publishedAt: Date;

  @Field(() => [ReportDownload], { description: 'Its downloads.' })
  downloads: ReportDownload[];
}

@ObjectType({
  implements: () => [NodeInterface],
  description:
    'A signed, provable report about one run. Its fields are those of the newest version; older ones are in `versions`.',
})
export class Report implements NodeInterface {
  @Field(() => ID, { description: 'Global id.' })
  id: string;

  @Field(() => String, { description: 'Its name in addresses.' })
  slug: string;

  @Field(() => String, { description: 'What it is called.' })
  title: string;

  @Field(() => String, { description: 'What kind of report it is, for example "run-transparency".' })
  definition: string;

  @Field(() => Int, { description: 'The newest version, counted from 1.' })
  version: number;

  @Field(() => BigIntScalar, {
    description: 'The size of the log that it speaks of: it knows the events before this place and no others.',
  })
  logSize: bigint;

  @Field(() => String, { description: 'SHA-256 of its canonical JSON, in hex, as the log records it.' })
  sha256: string;

  @Field(() => DateTimeScalar, { description: 'When the newest version was published.' })
  publishedAt: Date;

  @Field(() => String, { description: 'The key that signed it: the key id of the log, in hex.' })
  signatureKeyId: string;

  @Field(() => Int, { nullable: true, description: 'The version that the newest one corrects.' })
  supersedes: number | null;

  @Field(() => UrlScalar, {
    description: 'Address of the newest version; the form is chosen by suffix or Accept header.',
  })
  url: string;

  @Field(() => [ReportDownload], { description: 'Downloads of the newest version.' })
  downloads: ReportDownload[];

  @Field(() => [ReportVersionType], { description: 'All versions, newest first.' })
  versions: ReportVersionType[];

  /** For the fields that other rooms answer. */
  campaignKey: string;
  runKey: string;
}

export const ReportConnection = Connection(Report);

@InputType({
  description: 'What to publish a report about. Give either the run or the campaign (then its newest run is meant).',
})
export class ReportPublishInput {
  @Field(() => String, { defaultValue: 'run-transparency', description: 'The kind of report.' })
  definition: string;

  @Field(() => ID, { nullable: true, description: 'Global id of a run.' })
  runId?: string | null;

  @Field(() => ID, { nullable: true, description: 'Global id of a campaign.' })
  campaignId?: string | null;
}

@ObjectType({ description: 'What came of publishing.' })
export class ReportPublishPayload {
  @Field(() => Report, { nullable: true, description: 'The report with its new version.' })
  report: Report | null;

  @Field(() => [UserError], { description: 'Why nothing was published.' })
  userErrors: UserError[];
}
