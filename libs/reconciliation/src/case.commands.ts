import { Injectable } from '@nestjs/common';
import { type Outcome, type Refused, refuse } from '#kernel';
import { type Tx, UnitOfWork, type Viewer } from '#platform';
import { CASE_TRANSITIONS } from './domain/case.machine.js';
import { type CaseRow, changeCase, lockCase } from './store/case.store.js';

type SignedIn = Viewer & { kind: 'contributor' };
const NOTE_CHARS_MAX = 500;

/** What operators do about a difference. That it is gone is found by the comparison alone. */
@Injectable()
export class CaseCommands {
  constructor(private readonly uow: UnitOfWork) {}

  /** Takes a case in hand, or over. Refusals: RECONCILIATION_FORBIDDEN, _CASE_NOT_FOUND, _CASE_CLOSED. */
  async assign(viewer: SignedIn, caseId: string): Promise<Outcome<CaseRow>> {
    if (!viewer.platformRoles.has('operator')) return forbidden();
    return this.uow.run('reconciliation-assign', async (tx) => {
      const row = await lockCase(tx, caseId);
      if (row === undefined) return notFound();
      if (!CASE_TRANSITIONS[row.state].includes('assigned')) return closed(row);
      return changeCase(tx, caseId, { state: 'assigned', owner: viewer.pseudonym });
    });
  }

  /**
   * Says why a difference is right as it stands. It opens again when its amounts change.
   * Refusals: RECONCILIATION_FORBIDDEN, _CASE_NOT_FOUND, _CASE_CLOSED, _CASE_NOT_YOURS, _NOTE_INVALID.
   */
  async explain(viewer: SignedIn, caseId: string, why: string): Promise<Outcome<CaseRow>> {
    if (!viewer.platformRoles.has('operator')) return forbidden();
    const note = why.trim();
    if (note.length === 0 || note.length > NOTE_CHARS_MAX) return invalidNote();
    return this.uow.run('reconciliation-explain', (tx) => explain(tx, viewer, caseId, note));
  }
}

async function explain(tx: Tx, viewer: SignedIn, caseId: string, note: string): Promise<Outcome<CaseRow>> {
  const row = await lockCase(tx, caseId);
  if (row === undefined) return notFound();
  if (row.state === 'explained' || row.state === 'corrected') return closed(row);
  if (row.owner !== viewer.pseudonym) {
    return refuse({
      code: 'RECONCILIATION_CASE_NOT_YOURS',
      message: 'You do not have this case in hand.',
      hint: 'Take it first.',
      path: ['input', 'caseId'],
    });
  }
  return changeCase(tx, caseId, { state: 'explained', note });
}

const forbidden = (): Refused =>
  refuse({ code: 'RECONCILIATION_FORBIDDEN', message: 'Operators decide about differences.', path: ['input'] });
const notFound = (): Refused =>
  refuse({
    code: 'RECONCILIATION_CASE_NOT_FOUND',
    message: 'There is no such case.',
    path: ['input', 'caseId'],
  });
const closed = (row: CaseRow): Refused =>
  refuse({
    code: 'RECONCILIATION_CASE_CLOSED',
    message: `The case is ${row.state}.`,
    hint: 'It opens again by itself when the difference comes back or changes.',
    path: ['input', 'caseId'],
  });
const invalidNote = (): Refused =>
  refuse({
    code: 'RECONCILIATION_NOTE_INVALID',
    message: `Say why, in 1 to ${NOTE_CHARS_MAX} characters.`,
    hint: 'Name the reference at the bank or the processor. No names of people.',
    path: ['input', 'note'],
  });
