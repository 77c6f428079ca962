import { Command } from 'commander';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Metrics, UnitOfWork } from '#platform';
import { ProcessorStatements } from '#payments';
import { CaseCommands, Reconciler, ReconciliationModule } from '#reconciliation';
import { registerBankCommand } from '../../apps/cli/src/bank/bank.command.js';
import { CASE_STATES, CASE_TRANSITIONS } from '../../libs/reconciliation/src/domain/case.machine.js';
import { CARD, codes, FundingStage, got } from './funding.stage.js';

const SECRET_KEY = 'sk_test_funding';
const HOUR = 3_600_000;

let stage: FundingStage;
let home: string;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'bank-'));
  stage = await FundingStage.open({}, { modules: [ReconciliationModule] });
  const ada = await stage.person('Ada');
  const campaignId = await stage.liveCampaign(ada, { fundingModel: 'keep_it_all' });
  await stage.give(await stage.person('Grace'), campaignId, 500_000n);
  await stage.give(await stage.person('Edsger'), campaignId, 90_000n, CARD.good);
}, 60_000);
afterAll(async () => {
  await stage.close();
  rmSync(home, { recursive: true, force: true });
});

/** As a process of its own runs it, at the stage's time moved by so much. */
function reconciler(laterMs = 0): Reconciler {
  const uow = new UnitOfWork(stage.db.dataSource, { now: () => new Date(stage.now().getTime() + laterMs) });
  const apiBase = new URL(stage.sandbox.url);
  const settings = { secretKey: SECRET_KEY, publishableKey: '', webhookSecret: '', apiBase };
  return new Reconciler(uow, ProcessorStatements.of(uow, settings));
}
const openAt = async (laterMs: number) =>
  (await reconciler(laterMs).run()).open.map((each) => `${each.kind} ${each.subject.split(':')[0]}`);

async function atStripe(path: string, body: Record<string, string>): Promise<Record<string, string>> {
  const response = await fetch(`${stage.sandbox.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${SECRET_KEY}`, 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(body),
  });
  const answer = (await response.json()) as Record<string, string>;
  if (!response.ok) throw new Error(JSON.stringify(answer));
  return answer;
}

async function bring(text: string, format: 'camt053' | 'csv' = 'camt053', mapping?: object): Promise<void> {
  const file = join(home, 'statement');
  writeFileSync(file, text);
  writeFileSync(join(home, 'mapping.json'), JSON.stringify(mapping ?? {}));
  const program = new Command().exitOverride();
  registerBankCommand(program, join(import.meta.dirname, '../..'));
  const more = mapping ? ['--mapping', join(home, 'mapping.json')] : [];
  await program.parseAsync([
    'node',
    'x',
    'bank',
    'import',
    file,
    '--format',
    format,
    '--database',
    stage.db.url,
    ...more,
  ]);
}
const balance = (code: string, minor: bigint) =>
  `<Bal><Tp><CdOrPrtry><Cd>${code}</Cd></CdOrPrtry></Tp><Amt Ccy="USD">${euros(minor)}</Amt><CdtDbtInd>CRDT</CdtDbtInd></Bal>`;
const euros = (minor: bigint) => `${minor / 100n}.${String(minor % 100n).padStart(2, '0')}`;
const statement = (id: string, entries: [reference: string, minor: bigint, text: string][], closing?: bigint) =>
  `<Document><BkToCstmrStmt><Stmt><Id>${id}</Id><Acct><Id><IBAN>US1</IBAN></Id><Ccy>USD</Ccy></Acct>${balance('OPBD', 0n)}${balance(
    'CLBD',
    closing ?? entries.reduce((sum, [, minor]) => sum + minor, 0n),
  )}${entries
    .map(
      ([reference, minor, text]) =>
        `<Ntry><Amt Ccy="USD">${euros(minor)}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-11-24</Dt></BookgDt><AcctSvcrRef>${reference}</AcctSvcrRef><NtryDtls><TxDtls><RmtInf><Ustrd>${text}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>`,
    )
    .join('')}</Stmt></BkToCstmrStmt></Document>`;

describe('reconciliation', () => {
  let payoutId: string;

  it('agrees to the unit while gifts come in', async () => {
    expect(await openAt(HOUR)).toEqual([]);
    const [usd] = (await reconciler().summary()).filter((row) => row.currency === 'USD');
    expect(usd?.booked_at_processor).toBe(usd?.said_by_processor);
    expect(BigInt(usd?.said_by_processor ?? 0)).toBeGreaterThan(0n);
  });

  it('books a payout to our bank, and finds it in the statement, once', async () => {
    await stage.advance(8 * 24 * HOUR);
    payoutId = (await atStripe('/v1/payouts', { amount: '100000', currency: 'usd' }))['id'] ?? '';
    await stage.settle();
    expect(await openAt(HOUR)).toEqual([]);
    expect(await openAt(9 * 24 * HOUR)).toEqual(['missing_in_bank payout']);
    await bring(statement('S1', [['A', 100_000n, `STRIPE ${payoutId}`]]));
    const run = await reconciler(9 * 24 * HOUR).run();
    expect([run.matched, run.open]).toEqual([1, []]);
    expect((await reconciler(9 * 24 * HOUR).run()).matched).toBe(0);
    const [usd] = (await reconciler().summary()).filter((row) => row.currency === 'USD');
    expect(usd).toMatchObject({ booked_in_transit: '0', booked_at_bank: '100000', said_by_bank: '100000' });
    expect(await stage.violations()).toEqual([]);
  });

  it('takes a statement once, and refuses what a bank says differently', async () => {
    await bring(statement('S1', [['A', 100_000n, `STRIPE ${payoutId}`]]));
    await expect(bring(statement('S2', [['A', 100_001n, 'x']]))).rejects.toThrow('something else now');
    await expect(bring(statement('S3', [['B', 5n, 'x']], 6n))).rejects.toThrow('do not lead from');
    expect(await stage.rows('SELECT reference FROM bank_line')).toHaveLength(1);
  });

  it('refuses to match a bank line twice', async () => {
    const again = `INSERT INTO bank_match (line_id, payout_id, ledger_key, matched_at)
                   SELECT line_id, 'po_other', 'other', matched_at FROM bank_match`;
    await expect(stage.rows(again)).rejects.toThrow('bank_match_line_id_pk');
    await bring(statement('S4', [['C', 100_000n, `STRIPE ${payoutId}`]]));
    expect(await openAt(HOUR)).toEqual(['duplicate bank_line']);
  });

  it('keeps a formula in a name as text', async () => {
    const mapping = {
      account: 'US1',
      currency: 'USD',
      delimiter: ',',
      dayForm: 'YYYY-MM-DD',
      decimalSign: '.',
      columns: { bookedOn: 'Day', amount: 'Amount', counterparty: 'Name', texts: ['Text'] },
    };
    await bring('Day,Amount,Name,Text\n2026-11-24,7.00,"=HYPERLINK(""http://x"")",gift\n', 'csv', mapping);
    const rows = await stage.rows<{ counterparty: string }>(
      'SELECT counterparty FROM bank_line WHERE amount_minor = 700',
    );
    expect(rows).toEqual([{ counterparty: '=HYPERLINK("http://x")' }]);
    expect(await openAt(HOUR)).toEqual(['duplicate bank_line', 'unexpected_bank_line bank_line']);
    await expect(bring('Day,Amount\n', 'csv', { account: 'US1' })).rejects.toThrow('The mapping lacks something');
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
    expect(await openAt(0)).not.toContain('missing_at_processor payment');
    expect(await openAt(2 * HOUR)).toContain('missing_at_processor payment');
    await skew(-25n, 'skew:2');
    await openAt(2 * HOUR);
    expect(await states()).toMatchObject([{ state: 'corrected' }]);
    await skew(3n, 'skew:3');
    await openAt(2 * HOUR);
    expect(await states()).toEqual([{ state: 'reopened', found: 3n }]);
    await skew(-3n, 'skew:4');
    await openAt(2 * HOUR);
  });

  it('is taken in hand and explained by operators only, each step once', async () => {
    const commands = stage.app.get(CaseCommands, { strict: false });
    const olga = await stage.person('Olga Operator', 'operator');
    const [odd] = (await reconciler(HOUR).run()).open.filter((each) => each.kind === 'unexpected_bank_line');
    const id = odd?.id ?? '';
    expect(codes(await commands.assign(await stage.person('Ada'), id))).toEqual(['RECONCILIATION_FORBIDDEN']);
    expect(codes(await commands.explain(olga, id, 'a gift by post'))).toEqual(['RECONCILIATION_CASE_NOT_YOURS']);
    expect(got(await commands.assign(olga, id)).state).toBe('assigned');
    expect(codes(await commands.explain(olga, id, ' '))).toEqual(['RECONCILIATION_NOTE_INVALID']);
    expect(got(await commands.explain(olga, id, 'a gift by post')).state).toBe('explained');
    expect(codes(await commands.explain(olga, id, 'again'))).toEqual(['RECONCILIATION_CASE_CLOSED']);
    expect(codes(await commands.assign(olga, randomUUID()))).toEqual(['RECONCILIATION_CASE_NOT_FOUND']);
    expect(await openAt(HOUR)).toEqual(['duplicate bank_line']);
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
