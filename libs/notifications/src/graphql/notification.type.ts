import { Field, ID, InputType, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import { Connection, DateTimeScalar, UserError } from '#platform';

export enum NotificationKind {
  PAYMENT = 'payment',
  OUTCOME = 'outcome',
  TREASURY = 'treasury',
  RECEIPT = 'receipt',
  UPDATE = 'update',
  COMPUTE = 'compute',
  REPORT = 'report',
}
registerEnumType(NotificationKind, {
  name: 'NotificationKind',
  description: 'What a message is about.',
  valuesMap: {
    PAYMENT: { description: 'A payment that needs its payer.' },
    OUTCOME: { description: 'How a campaign ended, and what becomes of pledges to it.' },
    TREASURY: { description: 'Money of a project that somebody answers for.' },
    RECEIPT: { description: 'Money that was collected or returned.' },
    UPDATE: { description: 'News of organisers for their backers.' },
    COMPUTE: { description: 'GPU time that was offered.' },
    REPORT: { description: 'Runs and their reports.' },
  },
});

@ObjectType({ description: 'A message to the viewer.' })
export class Notification {
  @Field(() => ID, { description: 'Id of the message, for `notificationRead`.' })
  id: string;
  @Field(() => NotificationKind, { description: 'What it is about.' })
  kind: NotificationKind;
  @Field(() => String, { description: 'What happened, in one line.' })
  title: string;
  @Field(() => String, { description: 'What it means and what can be done.' })
  body: string;
  @Field(() => String, { description: 'Path of the page to go to, on this site.' })
  link: string;
  @Field(() => DateTimeScalar, { description: 'When it was written.' })
  createdAt: Date;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When it was read; null while it is not.' })
  readAt: Date | null;
}
export const NotificationConnection = Connection(Notification);

@ObjectType({ description: 'Whether messages of a kind are also mailed.' })
export class NotificationPreference {
  @Field(() => NotificationKind, { description: 'The kind.' })
  kind: NotificationKind;
  @Field(() => String, { description: 'What messages of this kind are about.' })
  description: string;
  @Field(() => Boolean, { description: 'Whether they are mailed, where mail is set up.' })
  byMail: boolean;
  @Field(() => Boolean, { description: 'Whether that can not be switched off.' })
  isRequired: boolean;
}

@InputType({ description: 'Messages that were read.' })
export class NotificationReadInput {
  @Field(() => [ID], { nullable: true, description: 'Which; all when absent.' })
  notificationIds?: string[] | null;
}
@ObjectType({ description: 'Outcome of notificationRead.' })
export class NotificationReadPayload {
  @Field(() => Int, { nullable: true, description: 'How many are unread now; 100 stands for 100 or more.' })
  unreadCount: number | null;
  @Field(() => [UserError], { description: 'Why nothing was marked; empty when it was.' })
  userErrors: UserError[];
}

@InputType({ description: 'Which kinds are to be mailed.' })
export class NotificationPreferencesSetInput {
  @Field(() => [NotificationKind], { description: 'Exactly these; the required ones belong to them.' })
  byMail: NotificationKind[];
}
@ObjectType({ description: 'Outcome of notificationPreferencesSet.' })
export class NotificationPreferencesSetPayload {
  @Field(() => [NotificationPreference], { nullable: true, description: 'All kinds as they stand now.' })
  preferences: NotificationPreference[] | null;
  @Field(() => [UserError], { description: 'Why nothing was changed; empty when it was.' })
  userErrors: UserError[];
}
