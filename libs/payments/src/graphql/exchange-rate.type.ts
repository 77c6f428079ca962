import { Field, InputType, Int, ObjectType } from '@nestjs/graphql';
import { UserError } from '#platform';

@ObjectType({ description: 'What one unit of a currency was worth in another on a day: exact, dated, never changed.' })
export class ExchangeRate {
  @Field(() => String, { description: 'ISO 4217 code of the currency that is converted.' })
  base!: string;
  @Field(() => String, { description: 'ISO 4217 code of the currency it is converted to.' })
  quote!: string;
  @Field(() => String, {
    description: 'Units of `quote` for one of `base`: an exact decimal, or the quotient of two, `a/b`.',
  })
  rate!: string;
  @Field(() => String, { description: 'The day of its publication, ISO 8601.' })
  asOf!: string;
  @Field(() => String, { description: 'Who published it.' })
  source!: string;
}

@InputType({ description: 'A table of reference rates.' })
export class ExchangeRatesImportInput {
  @Field(() => String, {
    description: "eurofxref.csv or eurofxref-hist.csv as the European Central Bank publishes them: the file's text.",
  })
  csv!: string;
}

@ObjectType({ description: 'What was stored of a table of rates.' })
export class ExchangeRatesImportPayload {
  @Field(() => Int, { nullable: true, description: 'Rates in the file; null when it was refused.' })
  read!: number | null;
  @Field(() => Int, { nullable: true, description: 'Those that were not there yet; null when the file was refused.' })
  added!: number | null;
  @Field(() => [UserError], { description: 'Why it was refused; empty when it was not.' })
  userErrors!: UserError[];
}
