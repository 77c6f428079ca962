import { Injectable } from '@nestjs/common';
import { isRefused } from '#kernel';
import { Ledger } from '#ledger';
import { ProcessorStatements } from '#payments';
import { type Tx, UnitOfWork } from '#platform';
import { OPEN_STATES } from './domain/case.machine.js';
import { arrive } from './bank-matches.js';
import { type BankLine, compareBank } from './domain/bank-match.rule.js';
import { compareDonorCash, compareGpuTime, compareMovements, type Difference } from './domain/comparison.rule.js';
import { takeTurn } from './exclusive.js';
import { lapseCorrections } from './store/correction.store.js';
import { type CaseRow, changeCase, findOpenCases, lockCases, openCases } from './store/case.store.js';
import {
  bankLines,
  bankPayouts,
  differingDonorCash,
  differingGpuTime,
  differingMovements,
} from './store/comparison.store.js';
import { readSummary, saveRun, type SummaryRow } from './store/summary.store.js';

/** What a run found. */
export interface Reconciled {
  /** Movements of the processor that were new, those of donors' cash included. */
  readonly read: number;
  /** Bank lines that were found to be payouts. */
  readonly matched: number;
  readonly open: readonly CaseRow[];
}

/** Books, processor, bank and meters held against each other; every difference is a case until it is gone. */
@Injectable()
export class Reconciler {
  readonly #ledger = new Ledger();

  constructor(
    private readonly uow: UnitOfWork,
    private readonly statements: ProcessorStatements,
  ) {}

  /** Reads what is new at the processor, matches bank lines, and opens and closes cases. May be run at any time, by anyone. */
  async run(): Promise<Reconciled> {
    const read = (await this.statements.pull()) + (await this.statements.pullDonorCash());
    const outcome = await this.uow.run('reconcile', async (tx) => {
      await takeTurn(tx);
      const nowMs = tx.now.getTime();
      const { ledger, processor } = await differingMovements(tx);
      const lines = await bankLines(tx);
      const bank = compareBank(await bankPayouts(tx), lines, nowMs);
      const differences = [
        ...compareMovements(ledger, processor, nowMs),
        ...bank.differences,
        ...compareDonorCash(await differingDonorCash(tx), nowMs),
        ...compareGpuTime(await differingGpuTime(tx)),
      ];
      await this.#follow(tx, differences);
      await lapseCorrections(tx);
      await saveRun(tx);
      const open = await findOpenCases(tx);
      await this.#arrive(tx, lines, bank.matches);
      return { matched: bank.matches.length, open };
    });
    if (isRefused(outcome)) throw new Error('a reconciliation is never refused');
    return { read, ...outcome };
  }

  /** The three sides in figures, one row a currency, minor units. */
  summary(): Promise<SummaryRow[]> {
    return this.uow.read((tx) => readSummary(tx));
  }

  async #follow(tx: Tx, differences: readonly Difference[]): Promise<void> {
    const known = new Map((await lockCases(tx, differences)).map((row) => [nameOf(row), row]));
    const present = new Set(differences.map(nameOf));
    await openCases(
      tx,
      differences.filter((each) => !known.has(nameOf(each))),
    );
    for (const each of differences) {
      const row = known.get(nameOf(each));
      if (!row) continue;
      const { expected, found } = each;
      const isSame = row.expected === expected && row.found === found;
      const isOver = row.state === 'corrected' || (row.state === 'explained' && !isSame);
      if (isOver) await changeCase(tx, row.id, { state: 'reopened', owner: null, note: null, expected, found });
      else if (!isSame) await changeCase(tx, row.id, { state: row.state, expected, found });
    }
    for (const row of known.values()) {
      if (present.has(nameOf(row)) || row.state === 'corrected') continue;
      const note = OPEN_STATES.includes(row.state)
        ? `The difference of ${row.found - row.expected} ${row.unit} is gone: both sides say the same.`
        : `${row.note ?? ''} The difference is gone.`;
      await changeCase(tx, row.id, { state: 'corrected', note });
    }
  }

  /** What is matched is at the bank: in transit no longer. */
  async #arrive(
    tx: Tx,
    lines: readonly BankLine[],
    matches: readonly { lineId: string; payoutId: string }[],
  ): Promise<void> {
    const byId = new Map(lines.map((line) => [line.lineId, line]));
    for (const { lineId, payoutId } of matches) {
      const line = byId.get(lineId);
      if (!line) continue;
      const { currency, amountMinor } = line;
      await arrive(tx, this.#ledger, { id: lineId, currency, amount_minor: amountMinor }, payoutId, null);
    }
  }
}

const nameOf = (of: { kind: string; subject: string; unit: string }): string => `${of.kind} ${of.subject} ${of.unit}`;
