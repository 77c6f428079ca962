import { Field, ID, InputType, ObjectType } from '@nestjs/graphql';
import { BigIntScalar, DateTimeScalar, Money, UrlScalar, UserError } from '#platform';
import { PaymentRail } from '#payments';
import { CashPledge } from './pledge.type.js';

@InputType({ description: 'Whom an invoice is made out to.' })
export class PledgeInvoiceInput {
  @Field(() => String, { description: 'Name of the organisation, up to 120 characters.' })
  organisation: string;
  @Field(() => String, { description: 'Its address, up to 400 characters.' })
  address: string;
  @Field(() => String, { nullable: true, description: 'Its tax id, up to 40 characters.' })
  taxId?: string | null;
  @Field(() => String, { nullable: true, description: 'What it wants to read on the invoice, up to 60 characters.' })
  reference?: string | null;
}

@InputType({ description: 'A cash pledge.' })
export class PledgeCashCreateInput {
  @Field(() => ID, { description: 'Global id of the campaign.' })
  campaignId: string;
  @Field(() => BigIntScalar, {
    description: 'How much, in minor units. The query railQuote tells what each way can carry.',
  })
  amountMinor: bigint;
  @Field(() => String, { description: 'ISO 4217 code: the campaign’s, or another to which a rate is known.' })
  currency: string;
  @Field(() => PaymentRail, { nullable: true, description: 'How the money comes; by card when absent.' })
  rail?: 'card' | 'us_bank_account' | 'sepa_debit' | 'bank_transfer' | null;
  @Field(() => String, { description: 'A key new for each pledge; sending it again gives the same pledge.' })
  idempotencyKey: string;
  @Field(() => Boolean, { nullable: true, description: 'Whether to stay unnamed in public.' })
  anonymous?: boolean | null;
  @Field(() => String, {
    nullable: true,
    description: 'The name to be shown with this pledge instead of the account’s.',
  })
  displayName?: string | null;
  @Field(() => PledgeInvoiceInput, { nullable: true, description: 'Asks for an invoice, for institutions.' })
  invoice?: PledgeInvoiceInput | null;
}

@ObjectType({ description: 'What a browser needs to pay a pledge, or to save what pays it later.' })
export class PledgePayment {
  @Field(() => String, {
    nullable: true,
    description: 'Secret for confirming this one payment or saving; null while the processor was not reached yet.',
  })
  clientSecret: string | null;
  @Field(() => Boolean, { description: 'Whether confirming saves a card or an account, instead of charging it now.' })
  savesMethod: boolean;
  @Field(() => String, { description: 'Publishable key with which to confirm.' })
  publishableKey: string;
  @Field(() => UrlScalar, { nullable: true, description: "Where to confirm when it isn't Stripe itself: the sandbox." })
  apiBase: string | null;
  @Field(() => String, { description: 'Where the payment stands.' })
  status: string;
}

@ObjectType({ description: 'One line of a bank account that money is sent to.' })
export class PledgeTransferLine {
  @Field(() => String, { description: 'What it is, like "IBAN".' })
  label: string;
  @Field(() => String, { description: 'What to write.' })
  value: string;
}

@ObjectType({
  description: 'Where a donor’s bank sends money: an account of his own, for all his pledges in a currency.',
})
export class PledgeTransferInstructions {
  @Field(() => String, { description: 'ISO 4217 code.' })
  currency: string;
  @Field(() => [[PledgeTransferLine]], { description: 'The account, in each form in which it can be given to a bank.' })
  accounts: PledgeTransferLine[][];
}

@ObjectType({ description: 'Outcome of pledgeCashCreate, pledgePayNow and pledgeMethodChange.' })
export class PledgeCashCreatePayload {
  @Field(() => CashPledge, { nullable: true, description: 'The pledge.' })
  pledge: CashPledge | null;
  @Field(() => PledgePayment, { nullable: true, description: 'What to confirm; null when nothing is left to confirm.' })
  payment: PledgePayment | null;
  @Field(() => PledgeTransferInstructions, { nullable: true, description: 'Where to send a bank transfer.' })
  transfer: PledgeTransferInstructions | null;
  @Field(() => [UserError], { description: 'Why it was refused; empty on success.' })
  userErrors: UserError[];
}

@InputType({ description: 'A pledge to be refunded.' })
export class PledgeRefundInput {
  @Field(() => ID, { description: 'Global id of the cash pledge.' })
  pledgeId: string;
  @Field(() => String, { nullable: true, description: 'Why, up to 500 characters.' })
  reason?: string | null;
}

@InputType({ description: 'The pledge that a step is for.' })
export class PledgeStepInput {
  @Field(() => ID, { description: 'Global id of the pledge.' })
  pledgeId: string;
}

@ObjectType({ description: 'Outcome of a step of a cash pledge.' })
export class CashPledgePayload {
  @Field(() => CashPledge, { nullable: true, description: 'The pledge after the step.' })
  pledge: CashPledge | null;
  @Field(() => [UserError], { description: 'Why it was refused; empty on success.' })
  userErrors: UserError[];
}

@InputType({ description: 'How a pledge is named in public from now on.' })
export class PledgeNameSetInput {
  @Field(() => ID, { description: 'Global id of a pledge of one’s own.' })
  pledgeId: string;
  @Field(() => Boolean, { description: 'Whether its backer stays unnamed.' })
  anonymous: boolean;
  @Field(() => String, {
    nullable: true,
    description: 'The name to be shown instead of the account’s, at most 80 characters; the account’s when absent.',
  })
  displayName?: string | null;
}

@ObjectType({ description: 'An invoice that a pledge was made with. Its addressee is null once he was erased.' })
export class PledgeInvoice {
  @Field(() => String, { description: 'Number, without gaps within a year.' })
  number: string;
  @Field(() => DateTimeScalar, { description: 'When it was issued.' })
  issuedAt: Date;
  @Field(() => DateTimeScalar, { description: 'Until when it is to be paid.' })
  dueAt: Date;
  @Field(() => Money, { description: 'What is asked for.' })
  amount: Money;
  @Field(() => Money, { description: 'What was paid of it.' })
  paid: Money;
  @Field(() => String, { description: 'What it is for.' })
  campaignTitle: string;
  @Field(() => String, { nullable: true, description: 'Name of the organisation.' })
  organisation: string | null;
  @Field(() => String, { nullable: true, description: 'Its address.' })
  address: string | null;
  @Field(() => String, { nullable: true, description: 'Its tax id.' })
  taxId: string | null;
  @Field(() => String, { nullable: true, description: 'What it wanted to read here.' })
  reference: string | null;
}
