import { Field, InputType, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import { UserError } from '#platform';

export enum BankFileFormat {
  CAMT053 = 'camt053',
  CSV = 'csv',
}
registerEnumType(BankFileFormat, {
  name: 'BankFileFormat',
  description: 'How a bank writes its statements.',
  valuesMap: {
    CAMT053: { description: 'ISO 20022 camt.053 (XML).' },
    CSV: { description: "The bank's own CSV, read by a mapping." },
  },
});

export enum BankCsvDelimiter {
  COMMA = ',',
  SEMICOLON = ';',
  TAB = '\t',
}
registerEnumType(BankCsvDelimiter, {
  name: 'BankCsvDelimiter',
  description: 'What parts the columns.',
  valuesMap: {
    COMMA: { description: 'A comma.' },
    SEMICOLON: { description: 'A semicolon.' },
    TAB: { description: 'A tab.' },
  },
});

export enum BankCsvDayForm {
  YEAR_MONTH_DAY = 'YYYY-MM-DD',
  DAY_MONTH_YEAR_POINTS = 'DD.MM.YYYY',
  DAY_MONTH_YEAR_SLASHES = 'DD/MM/YYYY',
  MONTH_DAY_YEAR_SLASHES = 'MM/DD/YYYY',
}
registerEnumType(BankCsvDayForm, {
  name: 'BankCsvDayForm',
  description: 'How days are written.',
  valuesMap: {
    YEAR_MONTH_DAY: { description: '2026-11-23.' },
    DAY_MONTH_YEAR_POINTS: { description: '23.11.2026.' },
    DAY_MONTH_YEAR_SLASHES: { description: '23/11/2026.' },
    MONTH_DAY_YEAR_SLASHES: { description: '11/23/2026.' },
  },
});

export enum BankCsvDecimalSign {
  POINT = '.',
  COMMA = ',',
}
registerEnumType(BankCsvDecimalSign, {
  name: 'BankCsvDecimalSign',
  description: 'What stands before the decimals of an amount.',
  valuesMap: { POINT: { description: 'A point.' }, COMMA: { description: 'A comma.' } },
});

@InputType({ description: 'Which column is what. Amounts stand in one signed column, or in two unsigned ones.' })
export class BankCsvColumnsInput {
  @Field(() => String, { description: 'Day of booking.' })
  bookedOn!: string;
  @Field(() => String, { nullable: true, description: 'Signed amount: what came in is above zero.' })
  amount?: string | null;
  @Field(() => String, { nullable: true, description: 'What came in.' })
  credit?: string | null;
  @Field(() => String, { nullable: true, description: 'What went out.' })
  debit?: string | null;
  @Field(() => String, { nullable: true, description: "The bank's own reference of a line." })
  reference?: string | null;
  @Field(() => String, { nullable: true, description: 'Name of the other side.' })
  counterparty?: string | null;
  @Field(() => [String], { description: 'Where the ids of payouts are found; may be empty.' })
  texts!: string[];
}

@InputType({ description: 'How a bank writes its CSV.' })
export class BankCsvMappingInput {
  @Field(() => String, { description: 'IBAN or number of the account.' })
  account!: string;
  @Field(() => String, { description: 'ISO 4217 code.' })
  currency!: string;
  @Field(() => BankCsvDelimiter, { description: 'What parts the columns.' })
  delimiter!: BankCsvDelimiter;
  @Field(() => BankCsvDayForm, { description: 'How days are written.' })
  dayForm!: BankCsvDayForm;
  @Field(() => BankCsvDecimalSign, { description: 'What stands before the decimals.' })
  decimalSign!: BankCsvDecimalSign;
  @Field(() => BankCsvColumnsInput, { description: 'Which column is what.' })
  columns!: BankCsvColumnsInput;
}

@InputType({ description: "A file with statements of the platform's bank account." })
export class BankStatementImportInput {
  @Field(() => String, { description: 'The whole text of the file.' })
  text!: string;
  @Field(() => BankFileFormat, { description: 'How it is written.' })
  format!: BankFileFormat;
  @Field(() => BankCsvMappingInput, { nullable: true, description: 'How a CSV is read; needed for CSV alone.' })
  mapping?: BankCsvMappingInput | null;
  @Field(() => Boolean, {
    nullable: true,
    description:
      'A CSV with a name or reference that a spreadsheet would take for a formula is refused. True takes it: somebody has looked, and the text stays text.',
  })
  formulasAsText?: boolean | null;
}

@ObjectType({ description: 'What was taken of a file: all of it or nothing.' })
export class BankStatementImportPayload {
  @Field(() => Int, { nullable: true, description: 'Statements that are new; null when the file was refused.' })
  statements!: number | null;
  @Field(() => Int, { nullable: true, description: 'Lines that are new; null when the file was refused.' })
  lines!: number | null;
  @Field(() => Int, { nullable: true, description: 'Lines that were known before; null when the file was refused.' })
  known!: number | null;
  @Field(() => [UserError], { description: 'Why it was refused; empty when it was not.' })
  userErrors!: UserError[];
}
