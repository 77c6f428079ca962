import { Field, ID, Int, ObjectType } from '@nestjs/graphql';
import { Connection, DateTimeScalar, Money, UrlScalar } from '#platform';

@ObjectType({ description: 'One form of a statement, to download with the same session or token.' })
export class StatementDownload {
  @Field(() => String, { description: '"pdf", "json" or "csv".' })
  format: string;
  @Field(() => UrlScalar, { description: 'Where it is; it is answered to those alone who may read it.' })
  url: string;
}

@ObjectType({
  description: 'The receipt of a pledge that brought money. Each change of its money makes a new version.',
})
export class Receipt {
  @Field(() => ID, { description: 'Global id of the cash pledge.' })
  pledgeId: string;
  @Field(() => String, { description: 'Number, without gaps within a year: "receipt-2026-000001".' })
  number: string;
  @Field(() => Int, { description: 'The newest version, from 1.' })
  version: number;
  @Field(() => DateTimeScalar, { description: 'When that version was issued.' })
  issuedAt: Date;
  @Field(() => String, { description: 'SHA-256 of what was signed, in hex.' })
  sha256: string;
  @Field(() => String, { description: 'The campaign, as it was called when the money came.' })
  campaignTitle: string;
  @Field(() => Money, { description: 'What came.' })
  received: Money;
  @Field(() => Money, { description: 'What was paid back.' })
  refunded: Money;
  @Field(() => Money, { description: 'What a bank holds or took back.' })
  disputed: Money;
  @Field(() => Money, { description: 'Received, less what was paid back and what a bank took back.' })
  net: Money;
  @Field(() => Money, { description: 'What the processor charged for it; a gift is counted whole.' })
  fees: Money;
  @Field(() => [StatementDownload], { description: 'PDF and signed JSON.' })
  downloads: StatementDownload[];
}
export const ReceiptConnection = Connection(Receipt);

@ObjectType({ description: 'Everything that one gave and got back in a calendar year (UTC).' })
export class YearlySummary {
  @Field(() => Int, { description: 'The year.' })
  year: number;
  @Field(() => Boolean, { description: 'Whether the year still runs: the summary is told as far as it went.' })
  isRunning: boolean;
  @Field(() => [StatementDownload], { description: 'PDF, CSV and signed JSON.' })
  downloads: StatementDownload[];
}
export const YearlySummaryConnection = Connection(YearlySummary);

@ObjectType({ description: 'An invoice of a pledge of one’s own.' })
export class Invoice {
  @Field(() => ID, { description: 'Global id of the cash pledge.' })
  pledgeId: string;
  @Field(() => String, { description: 'Number, without gaps within a year.' })
  number: string;
  @Field(() => DateTimeScalar, { description: 'When it was issued.' })
  issuedAt: Date;
  @Field(() => DateTimeScalar, { description: 'Until when it is to be paid.' })
  dueAt: Date;
  @Field(() => String, { nullable: true, description: 'Whom it is made out to; null once he was erased.' })
  organisation: string | null;
  @Field(() => String, { description: 'What it is for.' })
  campaignTitle: string;
  @Field(() => Money, { description: 'What is asked for.' })
  amount: Money;
  @Field(() => Money, { description: 'What was paid of it.' })
  paid: Money;
  @Field(() => [StatementDownload], { description: 'PDF and signed JSON; none once its addressee was erased.' })
  downloads: StatementDownload[];
}
export const InvoiceConnection = Connection(Invoice);

@ObjectType({ description: 'All postings of a campaign’s money, for those who keep or check its books.' })
export class CampaignAccount {
  @Field(() => ID, { description: 'Global id of the campaign.' })
  campaignId: string;
  @Field(() => String, { description: 'Its name in addresses.' })
  campaignSlug: string;
  @Field(() => String, { description: 'What it is called.' })
  campaignTitle: string;
  @Field(() => [StatementDownload], { description: 'PDF, CSV and signed JSON.' })
  downloads: StatementDownload[];
}
export const CampaignAccountConnection = Connection(CampaignAccount);
