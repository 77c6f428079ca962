import { Args, ID, Mutation, Query, Resolver } from '@nestjs/graphql';
import { decodeCursor, isRefused, isUuid, type Outcome, pageOf, pageSize } from '#kernel';
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
import { CaseCommands } from '../case.commands.js';
import { OPEN_STATES } from '../domain/case.machine.js';
import { COUNTER_ACCOUNTS, neededCorrection } from '../domain/correction.rule.js';
import { type CaseRow, findCase, findOperators, pageOfCases, stepsOf } from '../store/case.store.js';
import { correctionsOf } from '../store/correction.store.js';
import { candidatesOf, findLine } from '../store/match.store.js';
import { countOpenCases, openDifferences, readGpuSides, readStanding, readSummary } from '../store/summary.store.js';
import { sayingsOf } from '../store/trail.store.js';
import { ReconciliationCaseRecord } from './case-record.type.js';
import {
  ReconciliationCase,
  ReconciliationCaseAssignInput,
  ReconciliationCaseConnection,
  ReconciliationCaseExplainInput,
  type ReconciliationCaseKind,
  ReconciliationCasePayload,
  ReconciliationCaseStateEnum,
} from './case.type.js';
import {
  toBankLine,
  toCandidate,
  toCase,
  toCorrection,
  toFigures,
  toGpuFigures,
  toSaying,
  toStep,
} from './reconciliation.mapper.js';
import { ReconciliationStatus, ReconciliationSummary } from './summary.type.js';

type SignedIn = Viewer & { kind: 'contributor' };
const ID_PATH = ['input', 'caseId'];

@Resolver(() => ReconciliationCase)
export class ReconciliationResolver {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly cases: CaseCommands,
  ) {}

  @Access('public')
  @Query(() => ReconciliationStatus, {
    description: 'Whether books, processor, bank and meters say the same, as of the last comparison.',
  })
  async reconciliationStatus(): Promise<ReconciliationStatus> {
    return this.uow.read(async (tx) => {
      const standing = await readStanding(tx);
      const open = await openDifferences(tx);
      return {
        comparedAt: standing.ran_at,
        processorReadUntil: standing.read_until,
        eventsBackfilledUntil: standing.events_until,
        oldestOpenedAt: standing.oldest_opened_at,
        explainedCases: standing.explained,
        openDifferences: open.map(({ unit, cases, difference }) => ({ unit, cases, difference: BigInt(difference) })),
      };
    });
  }

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
        gpuFigures: (await readGpuSides(tx)).map(toGpuFigures),
        operators: (await findOperators(tx)).map((row) => ({
          pseudonym: row.pseudonym,
          displayName: row.display_name,
        })),
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
  @Query(() => ReconciliationCaseRecord, {
    nullable: true,
    description: 'A case with what each side says of it; null when there is none of this id.',
  })
  async reconciliationCase(
    @Args('id', { type: () => ID, description: 'The case.' }) globalId: string,
  ): Promise<ReconciliationCaseRecord | null> {
    const id = fromGlobalId('ReconciliationCase', globalId, ['id']);
    if (isRefused(id)) return null;
    return this.uow.read(async (tx) => {
      const row = await findCase(tx, id);
      if (row === undefined) return null;
      const line = row.subject.startsWith('bank_line:')
        ? await findLine(tx, row.subject.split(':')[1] ?? '')
        : undefined;
      return {
        reconciliationCase: toCase(row),
        sayings: (await sayingsOf(tx, row)).map(toSaying),
        steps: (await stepsOf(tx, id)).map(toStep),
        corrections: (await correctionsOf(tx, id)).map(toCorrection),
        neededCorrection: neededOf(row),
        bankLine: line === undefined ? null : toBankLine(line),
        candidates: line === undefined || line.match_id !== null ? [] : (await candidatesOf(tx, line)).map(toCandidate),
      };
    });
  }

  @Access({ platformRole: 'operator' })
  @Mutation(() => ReconciliationCasePayload, {
    description: 'Takes a difference in hand, or over, or gives it to another operator.',
  })
  async reconciliationCaseAssign(
    @CurrentViewer() viewer: SignedIn,
    @Args({ name: 'input', description: 'The case.' }) input: ReconciliationCaseAssignInput,
  ): Promise<ReconciliationCasePayload> {
    const id = fromGlobalId('ReconciliationCase', input.caseId, ID_PATH);
    return payload(isRefused(id) ? id : await this.cases.assign(viewer, id, input.to ?? undefined));
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
}

function payload(outcome: Outcome<CaseRow>): ReconciliationCasePayload {
  if (isRefused(outcome)) return { reconciliationCase: null, userErrors: toUserErrors(outcome) };
  return { reconciliationCase: toCase(outcome), userErrors: [] };
}

function neededOf(row: CaseRow): ReconciliationCaseRecord['neededCorrection'] {
  const needed = OPEN_STATES.includes(row.state) ? neededCorrection(row) : undefined;
  return needed === undefined
    ? null
    : {
        account: needed.account,
        isDebit: needed.side === 'debit',
        amountMinor: needed.amountMinor,
        counterAccounts: COUNTER_ACCOUNTS.map((account) => `${account}:${row.unit}`),
      };
}
