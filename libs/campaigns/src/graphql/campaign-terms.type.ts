import { Field, ID, InputType, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import { Connection, DateTimeScalar, JsonScalar, Money, GpuTime, NodeInterface, UserError } from '#platform';
import { StretchGoalInput } from './campaign-plan.type.js';

@ObjectType({ description: 'A version of what backers agree to. It never changes.' })
export class CampaignTerms {
  @Field(() => Int, { description: 'Version, counted from 1.' })
  version: number;
  @Field(() => String, { description: 'SHA-256 of the content, hex.' })
  sha256: string;
  @Field(() => String, { description: 'The exact text that was hashed: canonical JSON (RFC 8785).' })
  content: string;
  @Field(() => JsonScalar, { description: 'The same as JSON.' })
  document: unknown;
  @Field(() => String, { description: 'Why it was made: "live", "amended" or "extended".' })
  cause: string;
  @Field(() => DateTimeScalar, { description: 'From when on it holds.' })
  createdAt: Date;
}

@ObjectType({ description: 'A moment at which the pledges were frozen, and what came of it.' })
export class CampaignSettlement {
  @Field(() => ID, { description: 'Id of the frozen list.' })
  snapshotId: string;
  @Field(() => Int, { description: '1, or 2 after the extension.' })
  round: number;
  @Field(() => String, { description: 'Why: "deadline", "hard_cap" or "extension_over".' })
  cause: string;
  @Field(() => DateTimeScalar, { description: 'When.' })
  frozenAt: Date;
  @Field(() => Money, { description: 'Promised and not yet charged at that moment.' })
  promised: Money;
  @Field(() => Money, { description: 'Collected before that moment.' })
  collected: Money;
  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'When the verdict fell; null while pledges are charged.',
  })
  judgedAt: Date | null;
  @Field(() => String, { nullable: true, description: '"succeeded", "failed" or "extended".' })
  verdict: string | null;
  @Field(() => Money, { nullable: true, description: 'Money that was there at the verdict.' })
  judgedCash: Money | null;
  @Field(() => GpuTime, { nullable: true, description: 'GPU time that was there at the verdict.' })
  judgedCompute: GpuTime | null;
}

export enum UpdateAudienceEnum {
  PUBLIC = 'public',
  BACKERS = 'backers',
}
registerEnumType(UpdateAudienceEnum, {
  name: 'CampaignUpdateAudience',
  description: 'Who reads an update.',
  valuesMap: {
    PUBLIC: { description: 'Everybody.' },
    BACKERS: { description: 'Backers whose pledges hold, the people of the project and operators.' },
  },
});

@ObjectType({ description: 'One version of an update.' })
export class CampaignUpdateVersion {
  @Field(() => Int, { description: 'Version, counted from 1.' })
  version: number;
  @Field(() => String, { description: 'Title.' })
  title: string;
  @Field(() => [String], { description: 'The text, a paragraph each. Plain text: nothing in it is markup.' })
  paragraphs: string[];
  @Field(() => String, { nullable: true, description: 'Why it was corrected; null for the first version.' })
  correction: string | null;
  @Field(() => DateTimeScalar, { description: 'When it was written.' })
  writtenAt: Date;
}

@ObjectType({ implements: () => NodeInterface, description: 'What the organisers told their backers.' })
export class CampaignUpdate extends CampaignUpdateVersion {
  @Field(() => ID, { description: 'Global id.' })
  id: string;
  @Field(() => Int, { description: "Its place among the campaign's updates, counted from 1." })
  number: number;
  @Field(() => UpdateAudienceEnum, { description: 'Who reads it.' })
  audience: string;
  @Field(() => DateTimeScalar, { description: 'When it was published first.' })
  publishedAt: Date;
}

export const CampaignUpdateConnection = Connection(CampaignUpdate);

@InputType({ description: 'A new update.' })
export class CampaignUpdatePublishInput {
  @Field(() => ID, { description: 'Global id of the campaign.' })
  campaignId: string;
  @Field(() => String, { description: 'Title, 3 to 120 characters.' })
  title: string;
  @Field(() => String, { description: 'Plain text, 1 to 20000 characters; an empty line sets paragraphs apart.' })
  body: string;
  @Field(() => UpdateAudienceEnum, { nullable: true, description: 'Who reads it; everybody when absent.' })
  audience?: UpdateAudienceEnum | null;
}

@InputType({ description: 'A correction of an update. The old version stays readable.' })
export class CampaignUpdateCorrectInput {
  @Field(() => ID, { description: 'Global id of the update.' })
  updateId: string;
  @Field(() => String, { description: 'Title, 3 to 120 characters.' })
  title: string;
  @Field(() => String, { description: 'Plain text, 1 to 20000 characters.' })
  body: string;
  @Field(() => String, { description: 'Why it is corrected, 3 to 300 characters.' })
  reason: string;
}

@ObjectType({ description: 'Outcome of publishing or correcting an update.' })
export class CampaignUpdatePayload {
  @Field(() => CampaignUpdate, { nullable: true, description: 'The update as it stands.' })
  update: CampaignUpdate | null;
  @Field(() => [UserError], { description: 'Why it was refused; empty on success.' })
  userErrors: UserError[];
}

@InputType({ description: 'What may still change once a campaign is live; what is left out stays.' })
export class CampaignAmendInput {
  @Field(() => ID, { description: 'Global id of the campaign.' })
  campaignId: string;
  @Field(() => String, { nullable: true, description: 'Title, 3 to 120 characters.' })
  title?: string | null;
  @Field(() => String, { nullable: true, description: 'What it is about, up to 2000 characters.' })
  summary?: string | null;
  @Field(() => [StretchGoalInput], { nullable: true, description: 'Stretch goals to add after those there are.' })
  addStretchGoals?: StretchGoalInput[] | null;
}

@InputType({ description: "A backer's answer to the extension." })
export class CampaignExtensionConsentInput {
  @Field(() => ID, { description: 'Global id of the campaign.' })
  campaignId: string;
  @Field(() => Boolean, { description: 'True lets the money wait; false, or no answer, gets it back.' })
  agrees: boolean;
}

@ObjectType({ description: 'What a campaign means to whoever asks.' })
export class CampaignViewer {
  @Field(() => Boolean, { description: 'Whether a pledge of theirs holds.' })
  backs: boolean;
  @Field(() => Boolean, { nullable: true, description: 'Their answer to the extension; null without one.' })
  consents: boolean | null;
}
