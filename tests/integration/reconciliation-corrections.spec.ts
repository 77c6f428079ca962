import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isRefused, type Outcome } from '#kernel';
import { CaseCommands, Corrections } from '#reconciliation';
import { CORRECTION_STATES, CORRECTION_TRANSITIONS } from '../../libs/reconciliation/src/domain/correction.machine.js';
import { codes, type FundingStage, got, type Person } from './funding.stage.js';
import { DAY, HOUR, type Open, ReconciliationStage, statement } from './reconciliation.stage.js';

let bank: ReconciliationStage;
let stage: FundingStage;
let olga: Person;
let omar: Person;
let ada: Person;
let corrections: Corrections;
let cases: CaseCommands;

beforeAll(async () => {
  bank = await ReconciliationStage.open();
  stage = bank.funding;
  olga = await stage.person('Olga Operator', 'operator');
  omar = await stage.person('Omar Operator', 'operator');
  ada = await stage.person('Ada');
  corrections = stage.app.get(Corrections, { strict: false });
  cases = stage.app.get(CaseCommands, { strict: false });
  const campaignId = await stage.liveCampaign(ada, { fundingModel: 'keep_it_all' });
  await stage.give(await stage.person('Grace'), campaignId, 500_000n);
  await stage.advance(8 * DAY);
  // Ahead of the comparisons, which are made hours later and read what is new since then.
  await bank.payOut(9_000n);
}, 60_000);
afterAll(() => bank.close());

let n = 0;
/** A line that nobody expects, as a case in Olga's hand. */
async function oddLine(minor: bigint): Promise<Open> {
  n += 1;
  await bank.bring(statement(`odd ${n}`, [[`odd ${n}`, minor, 'GEBUEHR']]));
  const odd = await bank.caseOf('unexpected_bank_line');
  got(await cases.assign(olga, odd.id));
  return odd;
}
const draft = (of: Open, more: object = {}) => ({
  caseId: of.id,
  debit: 'bank:operating:USD',
  credit: 'other_income:USD',
  amountMinor: of.found,
  reason: 'Interest of the bank, statement of November.',
  ...more,
});
const propose = async (of: Open, more: object = {}) => got(await corrections.propose(olga, draft(of, more)));
const pathOf = (outcome: Outcome<unknown>) => (isRefused(outcome) ? outcome.first.path?.at(-1) : undefined);
const stateOf = async (id: string) =>
  (await stage.rows<{ state: string }>('SELECT state FROM reconciliation_case WHERE id = $1', [id]))[0]?.state;
const booked = async () =>
  (await stage.rows("SELECT 1 FROM ledger_transfer WHERE starts_with(key, 'correction:')")).length;

describe('a correction by two persons', () => {
  afterEach(async () => {
    // Whatever a test left is nothing that the books or the cases contradict.
    expect(await bank.violations()).toEqual([]);
  });

  it('is posted on the word of another, with the case and the public event, in one transaction', async () => {
    const odd = await oddLine(700n);
    const { id } = await propose(odd);
    expect(codes(await corrections.approve(olga, id))).toEqual(['RECONCILIATION_CORRECTION_OWN']);
    expect(codes(await corrections.approve(ada, id))).toEqual(['RECONCILIATION_FORBIDDEN']);
    expect([await booked(), await stateOf(odd.id)]).toEqual([0, 'assigned']);
    const before = await bank.held('bank:operating:USD');
    const posted = got(await corrections.approve(omar, id));
    expect(posted).toMatchObject({ state: 'posted', proposed_by: olga.pseudonym, decided_by: omar.pseudonym });
    expect([(await bank.held('bank:operating:USD')) - before, await bank.held('other_income:USD')]).toEqual([
      700n,
      -700n,
    ]);
    expect(await stateOf(odd.id)).toBe('corrected');
    const [event] = await stage.rows<{ payload: object; is_public: boolean }>(
      "SELECT payload, is_public FROM event_outbox WHERE type = 'reconciliation.corrected'",
    );
    expect(event).toMatchObject({
      is_public: true,
      payload: { caseId: odd.id, amountMinor: '700', proposedBy: olga.pseudonym, approvedBy: omar.pseudonym },
    });
    // The next comparison finds the line accounted for, and leaves the case alone.
    expect(await bank.openAt(HOUR)).toEqual([]);
    expect(await stateOf(odd.id)).toBe('corrected');
    expect(codes(await corrections.approve(omar, id))).toEqual(['RECONCILIATION_CORRECTION_DECIDED']);
    expect(codes(await corrections.reject(omar, id, 'no'))).toEqual(['RECONCILIATION_CORRECTION_DECIDED']);
    expect(codes(await corrections.withdraw(olga, id, 'no'))).toEqual(['RECONCILIATION_CORRECTION_DECIDED']);
  });

  it('is posted once by two who say yes at the same moment', async () => {
    const odd = await oddLine(-250n);
    const { id } = await propose(odd, { debit: 'write_off:USD', credit: 'bank:operating:USD', amountMinor: 250n });
    const before = await booked();
    const mona = await stage.person('Mona Operator', 'operator');
    const answers = await Promise.all([corrections.approve(omar, id), corrections.approve(mona, id)]);
    expect(answers.map((each) => (isRefused(each) ? each.first.code : each.state)).toSorted()).toEqual([
      'RECONCILIATION_CORRECTION_DECIDED',
      'posted',
    ]);
    expect((await booked()) - before).toBe(1);
  });

  it('is rejected by another, withdrawn by its proposer, and neither the other way round', async () => {
    const odd = await oddLine(31n);
    const first = await propose(odd);
    expect(codes(await corrections.propose(olga, draft(odd)))).toEqual(['RECONCILIATION_CORRECTION_OPEN']);
    expect(codes(await cases.explain(olga, odd.id, 'fine'))).toEqual(['RECONCILIATION_CORRECTION_OPEN']);
    expect(codes(await corrections.reject(olga, first.id, 'no'))).toEqual(['RECONCILIATION_CORRECTION_OWN']);
    expect(codes(await corrections.withdraw(omar, first.id, 'no'))).toEqual(['RECONCILIATION_CORRECTION_NOT_OWN']);
    expect(codes(await corrections.reject(omar, first.id, ' '))).toEqual(['RECONCILIATION_NOTE_INVALID']);
    expect(got(await corrections.reject(omar, first.id, 'It is no income.'))).toMatchObject({
      state: 'rejected',
      decided_note: 'It is no income.',
    });
    const second = await propose(odd, { credit: 'suspense:USD' });
    expect(got(await corrections.withdraw(olga, second.id, 'Found its owner.')).state).toBe('withdrawn');
    const third = await propose(odd, { credit: 'suspense:USD' });
    got(await corrections.approve(omar, third.id));
    expect(codes(await corrections.reject(omar, randomUUID(), 'no'))).toEqual(['RECONCILIATION_CORRECTION_NOT_FOUND']);
  });

  it('takes away exactly the difference, between an account that was compared and one that is not', async () => {
    const odd = await oddLine(60n);
    const refused: [more: object, code: string, field: string][] = [
      [{ amountMinor: 59n }, 'RECONCILIATION_CORRECTION_AMOUNT', 'amountMinor'],
      [{ credit: 'processor:available:USD' }, 'RECONCILIATION_CORRECTION_ACCOUNT', 'debit'],
      [{ credit: 'other_income:EUR' }, 'RECONCILIATION_CORRECTION_ACCOUNT', 'debit'],
      [{ debit: 'other_income:USD', credit: 'bank:operating:USD' }, 'RECONCILIATION_CORRECTION_ACCOUNT', 'debit'],
      [{ reason: '' }, 'RECONCILIATION_NOTE_INVALID', 'reason'],
      [{ reason: 'a\0b' }, 'RECONCILIATION_NOTE_INVALID', 'reason'],
      [{ caseId: randomUUID() }, 'RECONCILIATION_CASE_NOT_FOUND', 'caseId'],
    ];
    for (const [more, code, field] of refused) {
      const answer = await corrections.propose(olga, draft(odd, more));
      expect([codes(answer), pathOf(answer)]).toEqual([[code], field]);
    }
    expect(codes(await corrections.propose(ada, draft(odd)))).toEqual(['RECONCILIATION_FORBIDDEN']);
    expect(codes(await corrections.propose(omar, draft(odd)))).toEqual(['RECONCILIATION_CASE_NOT_YOURS']);
    expect(await stage.rows('SELECT 1 FROM reconciliation_correction WHERE case_id = $1', [odd.id])).toEqual([]);
    got(await cases.explain(olga, odd.id, 'A test of the bank.'));
    expect(codes(await corrections.propose(olga, draft(odd)))).toEqual(['RECONCILIATION_CASE_CLOSED']);
  });

  it('is not posted when the difference has changed, and lapses when it is gone', async () => {
    await bank.book('hand:1', 'processor:available:USD', 'write_off:USD', 25n, { payment: 'nobody' });
    const odd = await bank.caseOf('missing_at_processor', 2 * HOUR);
    got(await cases.assign(olga, odd.id));
    const of = { debit: 'write_off:USD', credit: 'processor:available:USD', amountMinor: 25n };
    const { id } = await propose(odd, of);
    await bank.book('hand:2', 'processor:available:USD', 'write_off:USD', 1n, { payment: 'nobody' });
    await bank.openAt(3 * HOUR);
    expect(codes(await corrections.approve(omar, id))).toEqual(['RECONCILIATION_CORRECTION_STALE']);
    expect(await bank.held('write_off:USD')).toBe(250n - 26n);
    await bank.book('hand:3', 'write_off:USD', 'processor:available:USD', 26n, { payment: 'nobody' });
    expect(await bank.openAt(3 * HOUR)).toEqual([]);
    const rows = await stage.rows('SELECT state, decided_by FROM reconciliation_correction WHERE id = $1', [id]);
    expect(rows).toEqual([{ state: 'lapsed', decided_by: null }]);
    expect(codes(await corrections.approve(omar, id))).toEqual(['RECONCILIATION_CORRECTION_DECIDED']);
  });

  it('makes books and processor agree again, to the unit, and stays found', async () => {
    const before = await bank.held('processor:available:USD');
    await bank.book('hand:4', 'processor:available:USD', 'write_off:USD', 40n, { payment: 'somebody' });
    const odd = await bank.caseOf('missing_at_processor', 2 * HOUR);
    got(await cases.assign(olga, odd.id));
    const more = { debit: 'write_off:USD', credit: 'processor:available:USD', amountMinor: 40n };
    got(await corrections.approve(omar, (await propose(odd, more)).id));
    expect(await bank.held('processor:available:USD')).toBe(before);
    expect(await bank.openAt(4 * HOUR)).toEqual([]);
    const [usd] = (await bank.reconciler().summary()).filter((row) => row.currency === 'USD');
    expect(usd?.booked_at_processor).toBe(usd?.said_by_processor);
    // Booked by hand and back: what the payments say is 40 less than what was corrected away.
    await bank.book('hand:5', 'processor:available:USD', 'write_off:USD', 40n, { payment: 'else' });
    const again = await bank.caseOf('missing_at_processor', 6 * HOUR);
    await bank.book('hand:6', 'write_off:USD', 'processor:available:USD', 40n, { payment: 'else' });
    expect(await bank.openAt(6 * HOUR)).toEqual([]);
    expect(await stateOf(again.id)).toBe('corrected');
  });

  it('counts a payout that never came as arrived', async () => {
    const lost = await bank.caseOf('missing_in_bank', 9 * DAY);
    got(await cases.assign(olga, lost.id));
    const more = { debit: 'write_off:USD', credit: 'bank:in_transit:USD', amountMinor: 9_000n };
    got(await corrections.approve(omar, (await propose(lost, more)).id));
    expect([await bank.openAt(9 * DAY), await bank.held('bank:in_transit:USD')]).toEqual([[], 0n]);
  });

  it('is none for GPU time and cash of donors', async () => {
    for (const [kind, subject, unit] of [
      ['gpu_time_differs', `lease:${randomUUID()}`, 'ms'],
      ['donor_cash_differs', `donor_cash:${randomUUID()}`, 'USD'],
    ]) {
      const id = randomUUID();
      await stage.rows(
        `INSERT INTO reconciliation_case (id, kind, subject, unit, expected, found, state, owner, opened_at, changed_at)
         VALUES ($1, $2, $3, $4, 1, 2, 'assigned', $5, now(), now())`,
        [id, kind, subject, unit, olga.pseudonym],
      );
      const answer = await corrections.propose(olga, { ...draft({ id, found: 1n } as Open) });
      expect(codes(answer)).toEqual(['RECONCILIATION_CORRECTION_UNFIT']);
    }
    await bank.openAt(HOUR);
  });
});

describe('the database', () => {
  it('takes every permitted step of a correction, and no other', async () => {
    const [row] = await stage.rows<{ id: string }>('SELECT id FROM reconciliation_case LIMIT 1');
    for (const from of CORRECTION_STATES) {
      for (const to of CORRECTION_STATES) {
        const whoOf = { proposed: 'NULL', lapsed: 'NULL', withdrawn: 'proposed_by' } as Record<string, string>;
        const decide = (state: string) =>
          `state = '${state}', decided_at = ${state === 'proposed' ? 'NULL' : 'now()'}, decided_note = 'n',
           decided_by = ${whoOf[state] ?? 'gen_random_uuid()'}`;
        const step = stage.db.dataSource.transaction(async (manager) => {
          await manager.query(
            `INSERT INTO reconciliation_correction (id, case_id, debit, credit, unit, amount_minor, reason, proposed_by, proposed_at)
             VALUES (gen_random_uuid(), $1, 'a', 'b', 'USD', 1, 'r', gen_random_uuid(), now())`,
            [row?.id],
          );
          const change = (state: string) =>
            manager.query(`UPDATE reconciliation_correction SET ${decide(state)} WHERE debit = 'a'`);
          if (from !== 'proposed') await change(from);
          await change(to);
          throw new Error('taken');
        });
        await expect(step).rejects.toThrow(CORRECTION_TRANSITIONS[from].includes(to) ? 'taken' : 'decided once');
      }
    }
  });

  it('knows no correction that one person made alone', async () => {
    const alone = `INSERT INTO reconciliation_correction
        (id, case_id, debit, credit, unit, amount_minor, reason, state, proposed_by, proposed_at, decided_by, decided_at)
      SELECT gen_random_uuid(), id, 'a', 'b', 'USD', 1, 'r', 'posted', $1, now(), $1, now() FROM reconciliation_case LIMIT 1`;
    await expect(stage.rows(alone, [olga.pseudonym])).rejects.toThrow('reconciliation_correction_decided_ck');
  });
});
