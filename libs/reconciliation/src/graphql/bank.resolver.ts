import { Args, Mutation, Query, Resolver } from '@nestjs/graphql';
import { decodeCursor, isRefused, isUuid, type Outcome, pageOf, pageSize, Refused } from '#kernel';
import {
  Access,
  AFTER_ARG,
  CurrentViewer,
  FIRST_ARG,
  fromGlobalId,
  toConnection,
  toUserErrors,
  UnitOfWork,
  type Viewer,
} from '#platform';
import type { CsvMapping } from '../bank/bank-csv.reader.js';
import { readStatementFile } from '../bank/statement-file.reader.js';
import { importStatements } from '../bank-import.js';
import { BankMatches } from '../bank-matches.js';
import { type LineRow, pageOfLines } from '../store/match.store.js';
import { type BankCsvMappingInput, BankStatementImportInput, BankStatementImportPayload } from './bank-import.type.js';
import {
  BankLine,
  BankLineConnection,
  BankLineMatchInput,
  BankLinePayload,
  BankLineUnmatchInput,
} from './match.type.js';
import { toBankLine } from './reconciliation.mapper.js';

type SignedIn = Viewer & { kind: 'contributor' };

@Resolver(() => BankLine)
export class BankResolver {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly matches: BankMatches,
  ) {}

  @Access({ platformRole: 'operator' })
  @Query(() => BankLineConnection, { description: 'Lines of bank statements, the newest import first.' })
  async bankLines(
    @Args(FIRST_ARG) first?: number,
    @Args(AFTER_ARG) after?: string,
    @Args('matched', {
      type: () => Boolean,
      nullable: true,
      description: 'Those that are matched, or those that are not; all when left out.',
    })
    matched?: boolean,
  ) {
    const size = pageSize(first);
    const key = decodeCursor(after);
    const place = key !== undefined && isUuid(key) ? key : undefined;
    const rows = await this.uow.read((tx) => pageOfLines(tx, { first: size, after: place, matched }));
    return toConnection(
      pageOf(rows, size, (row) => row.id),
      toBankLine,
      after,
    );
  }

  @Access({ platformRole: 'operator' })
  @Mutation(() => BankStatementImportPayload, {
    description:
      'Takes the bank statements of a file, all or none. What was taken before is known, and not taken twice.',
  })
  async bankStatementImport(
    @Args({ name: 'input', description: 'The file.' }) input: BankStatementImportInput,
  ): Promise<BankStatementImportPayload> {
    const mapping = input.mapping ? toMapping(input.mapping) : undefined;
    const { text, format } = input;
    const statements = readStatementFile({ text, format, mapping, formulasAsText: input.formulasAsText === true });
    const outcome = isRefused(statements)
      ? statements
      : await this.uow.run('bank-import', (tx) => importStatements(tx, statements));
    if (!isRefused(outcome)) return { ...outcome, userErrors: [] };
    return { statements: null, lines: null, known: null, userErrors: toUserErrors(atFile(outcome)) };
  }

  @Access({ platformRole: 'operator' })
  @Mutation(() => BankLinePayload, {
    description: 'Says what a bank line is: a payout, which is booked as arrived, or a transfer that is in the books.',
  })
  async bankLineMatch(
    @CurrentViewer() viewer: SignedIn,
    @Args({ name: 'input', description: 'The line and what it is.' }) input: BankLineMatchInput,
  ): Promise<BankLinePayload> {
    const lineId = fromGlobalId('BankLine', input.lineId, ['input', 'lineId']);
    if (isRefused(lineId)) return payload(lineId);
    const transferId = input.transferId
      ? fromGlobalId('LedgerTransfer', input.transferId, ['input', 'transferId'])
      : undefined;
    if (isRefused(transferId)) return payload(transferId);
    const { note, payoutId } = input;
    return payload(await this.matches.match(viewer, { lineId, note, transferId, payoutId: payoutId ?? undefined }));
  }

  @Access({ platformRole: 'operator' })
  @Mutation(() => BankLinePayload, {
    description: 'Takes a wrong match apart: what it booked is booked back, and it is not made again by itself.',
  })
  async bankLineUnmatch(
    @CurrentViewer() viewer: SignedIn,
    @Args({ name: 'input', description: 'The line and why.' }) input: BankLineUnmatchInput,
  ): Promise<BankLinePayload> {
    const lineId = fromGlobalId('BankLine', input.lineId, ['input', 'lineId']);
    return payload(isRefused(lineId) ? lineId : await this.matches.unmatch(viewer, lineId, input.reason));
  }
}

function payload(outcome: Outcome<LineRow>): BankLinePayload {
  if (isRefused(outcome)) return { bankLine: null, userErrors: toUserErrors(outcome) };
  return { bankLine: toBankLine(outcome), userErrors: [] };
}

/** What is said of a file without a place is said of its text. */
const atFile = ({ refusals }: Refused): Refused =>
  new Refused(refusals.map((each) => ({ ...each, path: each.path ?? ['input', 'text'] })));

function toMapping({ columns, ...mapping }: BankCsvMappingInput): CsvMapping {
  const { bookedOn, texts } = columns;
  return {
    ...mapping,
    columns: {
      bookedOn,
      texts,
      amount: columns.amount ?? undefined,
      credit: columns.credit ?? undefined,
      debit: columns.debit ?? undefined,
      reference: columns.reference ?? undefined,
      counterparty: columns.counterparty ?? undefined,
    },
  };
}
