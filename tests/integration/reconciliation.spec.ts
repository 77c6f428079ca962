import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Metrics } from '#platform';
import { CaseCommands } from '#reconciliation';
import { CASE_STATES, CASE_TRANSITIONS } from '../../libs/reconciliation/src/domain/case.machine.js';
import { CARD, codes, type FundingStage, got } from './funding.stage.js';
import { HOUR, ReconciliationStage, statement } from './reconciliation.stage.js';

let bank: ReconciliationStage;
let stage: FundingStage;
beforeAll(async () => {
  bank = await ReconciliationStage.open();
  stage = bank.funding;
  const ada = await stage.person('Ada');
  const campaignId = await stage.liveCampaign(ada, { fundingModel: 'keep_it_all' });
  await stage.give(await stage.person('Grace'), campaignId, 500_000n);
  await stage.give(await stage.person('Edsger'), campaignId, 90_000n, CARD.good);
}, 60_000);
afterAll(() => bank.close());

describe('reconciliation', () => {
  let payoutId: string;

  it('agrees to the unit while gifts come in', async () => {
    expect(await bank.openAt(HOUR)).toEqual([]);
    const [usd] = (await bank.reconciler().summary()).filter((row) => row.currency === 'USD');
    expect(usd?.booked_at_processor).toBe(usd?.said_by_processor);
    expect(BigInt(usd?.said_by_processor ?? 0)).toBeGreaterThan(0n);
  });

  it('books a payout to our bank, and finds it in the statement, once', async () => {
    await stage.advance(8 * 24 * HOUR);
    payoutId = await bank.payOut(100_000n);
    expect(await bank.openAt(HOUR)).toEqual([]);
    expect(await bank.openAt(9 * 24 * HOUR)).toEqual(['missing_in_bank payout']);
    await bank.bring(statement('S1', [['A', 100_000n, `STRIPE ${payoutId}`]]));
    const run = await bank.reconciler(9 * 24 * HOUR).run();
    expect([run.matched, run.open]).toEqual([1, []]);
    expect((await bank.reconciler(9 * 24 * HOUR).run()).matched).toBe(0);
    const [usd] = (await bank.reconciler().summary()).filter((row) => row.currency === 'USD');
    expect(usd).toMatchObject({ booked_in_transit: '0', booked_at_bank: '100000', said_by_bank: '100000' });
    expect(await bank.violations()).toEqual([]);
  });

  it('takes a statement once, and refuses what a bank says differently', async () => {
    await bank.bring(statement('S1', [['A', 100_000n, `STRIPE ${payoutId}`]]));
    await expect(bank.bring(statement('S2', [['A', 100_001n, 'x']]))).rejects.toThrow('something else now');
    await expect(bank.bring(statement('S3', [['B', 5n, 'x']], 6n))).rejects.toThrow('do not lead from');
    expect(await stage.rows('SELECT reference FROM bank_line')).toHaveLength(1);
  });

  it('refuses to match a bank line twice', async () => {
    const again = `INSERT INTO bank_match (id, line_id, payout_id, ledger_key, matched_at)
                   SELECT gen_random_uuid(), line_id, 'po_other', 'other', matched_at FROM bank_match`;
    await expect(stage.rows(again)).rejects.toThrow('bank_match_line_id_uq');
    await bank.bring(statement('S4', [['C', 100_000n, `STRIPE ${payoutId}`]]));
    expect(await bank.openAt(HOUR)).toEqual(['duplicate bank_line']);
  });

  it('refuses a formula in a name, and keeps it as text when somebody has looked', async () => {
    const mapping = {
      account: 'US1',
      currency: 'USD',
      delimiter: ',',
      dayForm: 'YYYY-MM-DD',
      decimalSign: '.',
      columns: { bookedOn: 'Day', amount: 'Amount', counterparty: 'Name', texts: ['Text'] },
    };
    const file = 'Day,Amount,Name,Text\n2026-11-24,7.00,"=HYPERLINK(""http://x"")",gift\n';
    await expect(bank.bring(file, 'csv', mapping)).rejects.toThrow('a formula to a spreadsheet');
    expect(await stage.rows('SELECT 1 FROM bank_line WHERE amount_minor = 700')).toEqual([]);
    await bank.bring(file, 'csv', mapping, '--formulas-as-text');
    const rows = await stage.rows<{ counterparty: string }>(
      'SELECT counterparty FROM bank_line WHERE amount_minor = 700',
    );
    expect(rows).toEqual([{ counterparty: '=HYPERLINK("http://x")' }]);
    expect(await bank.openAt(HOUR)).toEqual(['duplicate bank_line', 'unexpected_bank_line bank_line']);
    await expect(bank.bring('Day,Amount\n', 'csv', { account: 'US1' })).rejects.toThrow('The mapping lacks something');
  });

  it('opens a case for a booking that nothing stands behind, closes it when it is gone, and opens it again', async () => {
    const skew = (amount: bigint, key: string) =>
      stage.db.uow.run('skew', async (tx) => {
        const [debit, credit] = ['processor:available:USD', 'write_off:USD'];
        await stage.ledger.openAccounts(tx, [{ code: credit, unit: 'USD', limit: 'none' }]);
        const [from, to] = amount > 0n ? [debit, credit] : [credit, debit];
        const size = amount > 0n ? amount : -amount;
        const refs = { payment: 'unknown' };
        return stage.ledger.post(tx, [
          { key, kind: 'posted', debit: from, credit: to, amount: size, reason: 'by hand', refs },
        ]);
      });
    const states = () =>
      stage.rows<{ state: string }>("SELECT state, found FROM reconciliation_case WHERE subject = 'payment:unknown'");
    await skew(25n, 'skew:1');
    expect(await bank.openAt(0)).not.toContain('missing_at_processor payment');
    expect(await bank.openAt(2 * HOUR)).toContain('missing_at_processor payment');
    await skew(-25n, 'skew:2');
    await bank.openAt(2 * HOUR);
    expect(await states()).toMatchObject([{ state: 'corrected' }]);
    await skew(3n, 'skew:3');
    await bank.openAt(2 * HOUR);
    expect(await states()).toEqual([{ state: 'reopened', found: 3n }]);
    await skew(-3n, 'skew:4');
    await bank.openAt(2 * HOUR);
  });

  it('is taken in hand and explained by operators only, each step once', async () => {
    const commands = stage.app.get(CaseCommands, { strict: false });
    const olga = await stage.person('Olga Operator', 'operator');
    const [odd] = (await bank.reconciler(HOUR).run()).open.filter((each) => each.kind === 'unexpected_bank_line');
    const id = odd?.id ?? '';
    expect(codes(await commands.assign(await stage.person('Ada'), id))).toEqual(['RECONCILIATION_FORBIDDEN']);
    expect(codes(await commands.explain(olga, id, 'a gift by post'))).toEqual(['RECONCILIATION_CASE_NOT_YOURS']);
    expect(got(await commands.assign(olga, id)).state).toBe('assigned');
    expect(codes(await commands.explain(olga, id, ' '))).toEqual(['RECONCILIATION_NOTE_INVALID']);
    expect(got(await commands.explain(olga, id, 'a gift by post')).state).toBe('explained');
    expect(codes(await commands.explain(olga, id, 'again'))).toEqual(['RECONCILIATION_CASE_CLOSED']);
    expect(codes(await commands.assign(olga, randomUUID()))).toEqual(['RECONCILIATION_CASE_NOT_FOUND']);
    expect(await bank.openAt(HOUR)).toEqual(['duplicate bank_line']);
    await stage.tick('reconciliation-cases');
    const metrics = await stage.app.get(Metrics, { strict: false }).registry.metrics();
    expect(metrics).toContain('commonweights_reconciliation_open_cases{kind="duplicate"} 1');
  });

  it('lets the database take every permitted step of a case, and no other', async () => {
    for (const from of CASE_STATES) {
      for (const to of CASE_STATES) {
        const step = stage.db.dataSource.transaction(async (manager) => {
          await manager.query(
            `INSERT INTO reconciliation_case (id, kind, subject, unit, expected, found, state, owner, note, opened_at, changed_at)
             VALUES (gen_random_uuid(), 'duplicate', 'x', 'USD', 0, 1, $1, gen_random_uuid(), 'n', now(), now())`,
            [from],
          );
          const query = "UPDATE reconciliation_case SET state = $1, owner = gen_random_uuid() WHERE subject = 'x'";
          await manager.query(query, [to]);
          throw new Error('taken');
        });
        const words = CASE_TRANSITIONS[from].includes(to) ? 'taken' : 'does not go from';
        await expect(step).rejects.toThrow(words);
      }
    }
  });
});
