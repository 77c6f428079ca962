/** Every form of a statement. All are functions of the signed statement alone. */
import { createHash } from 'node:crypto';
import { canonicalJson, currencyScale, formatMinorUnits } from '#kernel';
import { statementDocument } from '../document/statement-documents.js';
import { readSignedStatement, type SignedStatement } from '../domain/signed-statement.js';
import { type Definition, type Statement, statementText } from '../domain/statement.js';
import { csvText } from './csv.js';
import { renderPdf } from './pdf.js';
import { FORMATS } from './renderings.js';

export type StatementFormat = 'json' | 'pdf' | 'csv';

/** A receipt or an invoice is a page and no table. */
export const STATEMENT_FORMATS: Readonly<Record<Definition, readonly StatementFormat[]>> = {
  receipt: ['pdf', 'json'],
  invoice: ['pdf', 'json'],
  'yearly-summary': ['pdf', 'json', 'csv'],
  'campaign-account': ['pdf', 'json', 'csv'],
};

export const mediaTypeOf = (format: StatementFormat): string => FORMATS[format];

export async function renderStatement(signed: SignedStatement, format: StatementFormat): Promise<Uint8Array> {
  const { statement } = signed;
  const json = canonicalJson(signed);
  switch (format) {
    case 'json':
      return Buffer.from(json);
    case 'csv':
      return Buffer.from(statementCsv(statement));
    case 'pdf': {
      const sha256 = createHash('sha256').update(statementText(statement)).digest('hex');
      return renderPdf(statementDocument(statement, sha256), statement, json);
    }
  }
}

/** Whether the bytes are exactly what the signed statement looks like in this form. */
export async function isStatementRenderedFrom(json: string, format: string, bytes: Uint8Array): Promise<boolean> {
  const signed = readSignedStatement(json);
  const known = signed && STATEMENT_FORMATS[signed.statement.definition].find((one) => one === format);
  return known !== undefined && Buffer.compare(await renderStatement(signed!, known), bytes) === 0;
}

/** How every CSV of a statement begins; no other file of ours does. */
export const STATEMENT_CSV_HEAD = '"at","statement",';

function statementCsv(statement: Statement): string {
  if (statement.definition === 'yearly-summary') {
    return csvText(
      [
        'at',
        'statement',
        'for_id',
        'for',
        'what',
        'currency',
        'amount',
        'amount_minor',
        'receipt',
        'key',
        'transfer_id',
      ],
      [
        ...statement.facts.entries.map((of) => [
          of.at,
          statement.slug,
          of.beneficiary.id,
          of.beneficiary.title,
          of.kind,
          of.currency,
          decimal(of.amountMinor, of.currency),
          of.amountMinor,
          of.receipt,
          of.key,
          of.transferId,
        ]),
        ...statement.facts.compute.map((of) => [
          '',
          statement.slug,
          of.campaign.id,
          of.campaign.title,
          'GPU time accepted',
          `${of.class} ms`,
          '',
          of.acceptedMs,
          '',
          '',
          '',
        ]),
      ],
    );
  }
  if (statement.definition === 'campaign-account') {
    return csvText(
      [
        'at',
        'statement',
        'campaign',
        'reason',
        'debit',
        'credit',
        'currency',
        'amount',
        'amount_minor',
        'key',
        'transfer_id',
      ],
      statement.facts.postings.map((of) => [
        of.at,
        statement.slug,
        statement.facts.campaign.title,
        of.reason,
        of.debit,
        of.credit,
        of.currency,
        decimal(of.amountMinor, of.currency),
        of.amountMinor,
        of.key,
        of.transferId,
      ]),
    );
  }
  throw new Error(`There is no CSV of a ${statement.definition}.`);
}

const decimal = (minor: string, currency: string): string => formatMinorUnits(BigInt(minor), currencyScale(currency));
