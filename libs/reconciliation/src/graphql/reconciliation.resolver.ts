import { Args, Mutation, Query, Resolver } from '@nestjs/graphql';
import { decodeCursor, isRefused, isUuid, type Outcome, pageOf, pageSize, Refused } from '#kernel';
import {
  Access,
  AFTER_ARG,
  CurrentViewer,
  FIRST_ARG,
  fromGlobalId,
  Money,
  toConnection,
  toGlobalId,
  toUserErrors,
  UnitOfWork,
  type Viewer,
} from '#platform';
import type { CsvMapping } from '../bank/bank-csv.reader.js';
import { readStatementFile } from '../bank/statement-file.reader.js';
import { importStatements } from '../bank-import.js';
import { CaseCommands } from '../case.commands.js';
import { OPEN_STATES } from '../domain/case.machine.js';
import { type CaseRow, pageOfCases } from '../store/case.store.js';
import { countOpenCases, readStanding, readSummary, type SummaryRow } from '../store/summary.store.js';
import { type BankCsvMappingInput, BankStatementImportInput, BankStatementImportPayload } from './bank-import.type.js';
import {
  ReconciliationCase,
  ReconciliationCaseAssignInput,
  ReconciliationCaseConnection,
  ReconciliationCaseExplainInput,
  type ReconciliationCaseKind,
  ReconciliationCasePayload,
  ReconciliationCaseStateEnum,
} from './case.type.js';
import { type ReconciliationFigures, ReconciliationSummary } from './summary.type.js';

type SignedIn = Viewer & { kind: 'contributor' };
const ID_PATH = ['input', 'caseId'];

@Resolver(() => ReconciliationCase)
export class ReconciliationResolver {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly cases: CaseCommands,
  ) {}

  @Access({ platformRole: 'operator' })
  @Query(() => ReconciliationSummary, {
    description: 'How books, processor, bank and meters stand to each other, as of the last comparison.',
  })
  async reconciliationSummary(): Promise<ReconciliationSummary> {
    return this.uow.read(async (tx) => {
      const standing = await readStanding(tx);
      const counts = await countOpenCases(tx);
      return {
        figures: (await readSummary(tx)).map(toFigures),
        openCases: counts.map(({ kind, open }) => ({ kind: kind as ReconciliationCaseKind, open })),
        oldestOpenedAt: standing.oldest_opened_at,
        processorReadUntil: standing.read_until,
        eventsBackfilledUntil: standing.events_until,
      };
    });
  }

  @Access({ platformRole: 'operator' })
  @Query(() => ReconciliationCaseConnection, { description: 'Differences, oldest first.' })
  async reconciliationCases(
    @Args(FIRST_ARG) first?: number,
    @Args(AFTER_ARG) after?: string,
    @Args('states', {
      type: () => [ReconciliationCaseStateEnum],
      nullable: true,
      description: 'Where they stand; those in which somebody still has to act when left out.',
    })
    states?: ReconciliationCaseStateEnum[],
  ) {
    const size = pageSize(first);
    const key = decodeCursor(after);
    const place = key !== undefined && isUuid(key) ? key : undefined;
    const rows = await this.uow.read((tx) =>
      pageOfCases(tx, { first: size, after: place, states: states ?? OPEN_STATES }),
    );
    return toConnection(
      pageOf(rows, size, (row) => row.id),
      toCase,
      after,
    );
  }

  @Access({ platformRole: 'operator' })
  @Mutation(() => ReconciliationCasePayload, { description: 'Takes a difference in hand, or over from somebody.' })
  async reconciliationCaseAssign(
    @CurrentViewer() viewer: SignedIn,
    @Args({ name: 'input', description: 'The case.' }) input: ReconciliationCaseAssignInput,
  ): Promise<ReconciliationCasePayload> {
    const id = fromGlobalId('ReconciliationCase', input.caseId, ID_PATH);
    return payload(isRefused(id) ? id : await this.cases.assign(viewer, id));
  }

  @Access({ platformRole: 'operator' })
  @Mutation(() => ReconciliationCasePayload, {
    description: 'Says why a difference that the caller has in hand is right. It opens again when its figures change.',
  })
  async reconciliationCaseExplain(
    @CurrentViewer() viewer: SignedIn,
    @Args({ name: 'input', description: 'The case and why.' }) input: ReconciliationCaseExplainInput,
  ): Promise<ReconciliationCasePayload> {
    const id = fromGlobalId('ReconciliationCase', input.caseId, ID_PATH);
    return payload(isRefused(id) ? id : await this.cases.explain(viewer, id, input.note));
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
    const statements = readStatementFile({ text: input.text, format: input.format, mapping });
    const outcome = isRefused(statements)
      ? statements
      : await this.uow.run('bank-import', (tx) => importStatements(tx, statements));
    if (!isRefused(outcome)) return { ...outcome, userErrors: [] };
    return { statements: null, lines: null, known: null, userErrors: toUserErrors(atFile(outcome)) };
  }
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

function payload(outcome: Outcome<CaseRow>): ReconciliationCasePayload {
  if (isRefused(outcome)) return { reconciliationCase: null, userErrors: toUserErrors(outcome) };
  return { reconciliationCase: toCase(outcome), userErrors: [] };
}

function toCase(row: CaseRow): ReconciliationCase {
  return {
    id: toGlobalId('ReconciliationCase', row.id),
    kind: row.kind as ReconciliationCaseKind,
    state: row.state as ReconciliationCaseStateEnum,
    subject: row.subject,
    unit: row.unit,
    expected: row.expected,
    found: row.found,
    owner: row.owner,
    note: row.note,
    openedAt: row.opened_at,
    changedAt: row.changed_at,
  };
}

function toFigures(row: SummaryRow): ReconciliationFigures {
  const of = (minor: string): Money => Money.of(BigInt(minor), row.currency);
  return {
    bookedAtProcessor: of(row.booked_at_processor),
    saidByProcessor: of(row.said_by_processor),
    bookedInTransit: of(row.booked_in_transit),
    bookedAtBank: of(row.booked_at_bank),
    saidByBank: of(row.said_by_bank),
    donorCash: of(row.donor_cash),
    fees: of(row.fees),
  };
}
