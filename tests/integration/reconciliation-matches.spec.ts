import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRefused } from '#kernel';
import { BankMatches } from '#reconciliation';
import { registerReconcileCommand } from '../../apps/cli/src/reconcile/reconcile.command.js';
import { codes, type FundingStage, got, type Person } from './funding.stage.js';
import { DAY, HOUR, ReconciliationStage, statement } from './reconciliation.stage.js';

let bank: ReconciliationStage;
let stage: FundingStage;
let matches: BankMatches;
let olga: Person;
let omar: Person;
let payouts: string[];
const home = mkdtempSync(join(tmpdir(), 'matches-'));

beforeAll(async () => {
  bank = await ReconciliationStage.open();
  stage = bank.funding;
  matches = stage.app.get(BankMatches, { strict: false });
  olga = await stage.person('Olga Operator', 'operator');
  omar = await stage.person('Omar Operator', 'operator');
  const campaignId = await stage.liveCampaign(await stage.person('Ada'), { fundingModel: 'keep_it_all' });
  await stage.give(await stage.person('Grace'), campaignId, 900_000n);
  await stage.advance(8 * DAY);
  payouts = [await bank.payOut(10_000n), await bank.payOut(20_000n), await bank.payOut(20_000n)];
  await bank.openAt(0);
  await bank.bring(
    statement('S1', [
      ['A', 10_000n, 'STRIPE sans reference'],
      ['B', 20_000n, 'STRIPE sans reference'],
      ['C', -700n, 'REFUND BY HAND'],
      ['D', -700n, 'REFUND BY HAND'],
      ['E', 1n, 'INTEREST'],
    ]),
  );
}, 60_000);
afterAll(async () => {
  await bank.close();
  rmSync(home, { recursive: true, force: true });
});

const NOTE = 'Seen on the statement of November.';
const toPayout = async (reference: string, payoutId: string, by = olga) =>
  matches.match(by, { lineId: await bank.lineId(reference), payoutId, note: NOTE });
const toTransfer = async (reference: string, transferId: string, by = olga) =>
  matches.match(by, { lineId: await bank.lineId(reference), transferId, note: NOTE });
const undo = async (reference: string, reason = 'It was another payout.', by = olga) =>
  matches.unmatch(by, await bank.lineId(reference), reason);
const transferOf = async (key: string): Promise<string> =>
  (await stage.rows<{ id: string }>('SELECT id FROM ledger_transfer WHERE key = $1', [key]))[0]?.id ?? '';
const standing = async () => [
  await bank.held('bank:operating:USD'),
  await bank.held('bank:in_transit:USD'),
  (await stage.rows('SELECT 1 FROM bank_match WHERE undone_at IS NULL')).length,
];

describe('a bank line matched by a person', () => {
  it('is the payout that it does not name: booked as arrived, with both cases closed', async () => {
    expect((await bank.openAt(9 * DAY)).filter((each) => each.startsWith('missing_in_bank'))).toHaveLength(3);
    const line = got(await toPayout('A', payouts[0] ?? ''));
    expect(line).toMatchObject({ payout_id: payouts[0], matched_by: olga.pseudonym, note: NOTE });
    expect(await standing()).toEqual([10_000n, 40_000n, 1]);
    const open = await stage.rows<{ subject: string }>(
      "SELECT subject FROM reconciliation_case WHERE state = 'open' AND subject IN ($1, $2)",
      [`bank_line:${line.id}`, `payout:${payouts[0]}`],
    );
    expect(open).toEqual([]);
    expect(await bank.violations()).toEqual([]);
  });

  it('is refused when either side is matched already, and nothing changes', async () => {
    const before = await standing();
    expect(codes(await toPayout('A', payouts[1] ?? ''))).toEqual(['BANK_LINE_MATCHED']);
    expect(codes(await toPayout('A', payouts[0] ?? '', omar))).toEqual(['BANK_LINE_MATCHED']);
    expect(codes(await toPayout('B', payouts[0] ?? ''))).toEqual(['BANK_COUNTERPART_MATCHED']);
    expect(await standing()).toEqual(before);
  });

  it('is refused what is another amount, another kind of thing, or unknown', async () => {
    const before = await standing();
    const lineId = await bank.lineId('E');
    expect(codes(await toPayout('E', payouts[1] ?? ''))).toEqual(['BANK_MATCH_AMOUNT']);
    expect(codes(await toPayout('E', 'po_unknown'))).toEqual(['BANK_COUNTERPART_NOT_FOUND']);
    expect(codes(await toTransfer('E', randomUUID()))).toEqual(['BANK_COUNTERPART_NOT_FOUND']);
    expect(codes(await matches.match(olga, { lineId, note: NOTE }))).toEqual(['BANK_COUNTERPART_INVALID']);
    const both = { lineId, note: NOTE, payoutId: 'po_1', transferId: randomUUID() };
    expect(codes(await matches.match(olga, both))).toEqual(['BANK_COUNTERPART_INVALID']);
    expect(codes(await matches.match(olga, { ...both, note: ' ' }))).toEqual(['RECONCILIATION_NOTE_INVALID']);
    const unknown = { lineId: randomUUID(), note: NOTE, payoutId: payouts[1] ?? '' };
    expect(codes(await matches.match(olga, unknown))).toEqual(['BANK_LINE_NOT_FOUND']);
    expect(codes(await matches.match(await stage.person('Ada'), unknown))).toEqual(['RECONCILIATION_FORBIDDEN']);
    expect(await standing()).toEqual(before);
  });

  it('goes to one of two who match it at the same moment', async () => {
    const [, second = '', third = ''] = payouts;
    const answers = await Promise.all([toPayout('B', second), toPayout('B', third, omar)]);
    expect(answers.filter((each) => isRefused(each)).map((each) => codes(each))).toEqual([['BANK_LINE_MATCHED']]);
    expect(await standing()).toEqual([30_000n, 20_000n, 2]);
    const won = answers.find((each) => !isRefused(each));
    await undo('B');
    const other = isRefused(won) || won?.payout_id === second ? third : second;
    got(await toPayout('B', other));
    expect(await standing()).toEqual([30_000n, 20_000n, 2]);
  });

  it('stands for a transfer that was in the books, which stands for no other line', async () => {
    await bank.book('refund_case:1:paid_otherwise', 'write_off:USD', 'bank:operating:USD', 700n);
    await bank.book('refund_case:2:paid_otherwise', 'write_off:USD', 'processor:available:USD', 700n, { payment: 'x' });
    await bank.book('refund_case:3', 'processor:available:USD', 'write_off:USD', 700n, { payment: 'x' });
    const transfer = await transferOf('refund_case:1:paid_otherwise');
    const before = await standing();
    expect(codes(await toTransfer('D', await transferOf('refund_case:2:paid_otherwise')))).toEqual([
      'BANK_COUNTERPART_NOT_FOUND',
    ]);
    expect(codes(await toTransfer('E', transfer))).toEqual(['BANK_MATCH_AMOUNT']);
    // Two lines of the same amount, two persons, one transfer.
    const answers = await Promise.all([toTransfer('C', transfer), toTransfer('D', transfer, omar)]);
    expect(answers.filter((each) => isRefused(each)).map((each) => codes(each))).toEqual([
      ['BANK_COUNTERPART_MATCHED'],
    ]);
    // What was in the books is booked no second time.
    expect(await standing()).toEqual([before[0], before[1], Number(before[2]) + 1]);
    expect(await bank.violations()).toEqual([]);
  });

  it('is held to one match by the database as well', async () => {
    const again = (line: string, key: string) =>
      stage.rows(
        `INSERT INTO bank_match (id, line_id, payout_id, ledger_key, matched_at)
         SELECT gen_random_uuid(), ${line}, NULL, ${key}, now() FROM bank_match WHERE undone_at IS NULL LIMIT 1`,
      );
    await expect(again('line_id', "'other'")).rejects.toThrow('bank_match_line_id_uq');
    const free = await bank.lineId('E');
    await expect(again(`'${free}'::uuid`, 'ledger_key')).rejects.toThrow('bank_match_ledger_key_uq');
    await expect(stage.rows('DELETE FROM bank_match')).rejects.toThrow('undone once');
  });
});

describe('a match taken apart', () => {
  it('is booked back, stays as history, and is not made again by itself', async () => {
    const payout = await bank.payOut(5_000n);
    await bank.openAt(HOUR);
    await bank.bring(statement('S2', [['F', 5_000n, `STRIPE ${payout}`]]));
    expect((await bank.reconciler(HOUR).run()).matched).toBe(1);
    const before = await standing();
    expect(codes(await undo('F', ' '))).toEqual(['RECONCILIATION_NOTE_INVALID']);
    expect(codes(await undo('F', 'no', await stage.person('Ada')))).toEqual(['RECONCILIATION_FORBIDDEN']);
    got(await undo('F', 'The bank called it back.'));
    expect(await standing()).toEqual([
      BigInt(before[0] ?? 0) - 5_000n,
      BigInt(before[1] ?? 0) + 5_000n,
      Number(before[2]) - 1,
    ]);
    const again = await bank.reconciler(HOUR).run();
    expect([again.matched, again.open.map((each) => each.subject)]).toEqual([
      0,
      expect.arrayContaining([`bank_line:${await bank.lineId('F')}`]),
    ]);
    expect(codes(await undo('F'))).toEqual(['BANK_MATCH_NOT_FOUND']);
    expect(codes(await matches.unmatch(olga, randomUUID(), 'x'))).toEqual(['BANK_LINE_NOT_FOUND']);
    got(await toPayout('F', payout, omar));
    expect(await standing()).toEqual(before);
    expect(await stage.rows('SELECT matched_by FROM bank_match WHERE payout_id = $1 ORDER BY id', [payout])).toEqual([
      { matched_by: null },
      { matched_by: omar.pseudonym },
    ]);
    expect(await bank.violations()).toEqual([]);
  });
});

describe('what leaves as CSV', () => {
  const FORMULAS = ['=1+1', '+cmd', '-2', '@SUM(A1)', '\t=1', '\r=1', '＝1', "'already", 'plain'];
  const read = (text: string): Record<string, string>[] => parse(text, { columns: true, bom: true });
  const original = (cell = ''): string => (cell.startsWith("'") ? cell.slice(1) : cell);

  beforeAll(async () => {
    for (const [index, note] of FORMULAS.entries()) {
      await stage.rows(
        `INSERT INTO reconciliation_case (id, kind, subject, unit, expected, found, state, note, opened_at, changed_at)
         VALUES (gen_random_uuid(), 'duplicate', $1, 'USD', 0, -5, 'explained', $2, now(), now())`,
        [`export:${index}`, note],
      );
    }
  });

  const download = async (file: string, as?: Person) => {
    const headers = as ? { authorization: `Bearer ${await stage.secretOf(as)}` } : undefined;
    const answer = await fetch(`${stage.url}/reconciliation/exports/${file}`, headers ? { headers } : {});
    return { status: answer.status, text: await answer.text(), type: answer.headers.get('content-type') };
  };

  it('is for operators, and there are two of them', async () => {
    const ada = await stage.person('Ada');
    const answers = [await download('cases.csv'), await download('cases.csv', ada), await download('x.csv', olga)];
    expect(answers.map(({ status, text }) => [status, (JSON.parse(text) as { code: string }).code])).toEqual([
      [401, 'RECONCILIATION_UNAUTHENTICATED'],
      [403, 'RECONCILIATION_FORBIDDEN'],
      [404, 'RECONCILIATION_EXPORT_NOT_FOUND'],
    ]);
  });

  it('runs in no spreadsheet, and gives every original back', async () => {
    const { text, type } = await download('cases.csv', olga);
    expect(type).toContain('text/csv');
    const rows = read(text).filter((row) => row['subject']?.startsWith('export:'));
    expect(rows.map((row) => original(row['note'])).toSorted()).toEqual(FORMULAS.toSorted());
    for (const row of read(text)) {
      for (const [column, cell] of Object.entries(row)) {
        const isNumber = ['expected', 'found', 'difference'].includes(column) && /^-?\d+$/.test(cell);
        if (!isNumber) expect(cell).not.toMatch(/^[=+\-@\t\r＝]/);
      }
    }
    expect(rows[0]).toMatchObject({ expected: '0', found: '-5', difference: '-5' });
  });

  it('has every match, those undone with their reason, and is the same by command', async () => {
    const { text } = await download('matches.csv', olga);
    const rows = read(text);
    expect(rows.map((row) => row['undone_reason'])).toContain('The bank called it back.');
    expect(rows.find((row) => row['reference'] === 'A')).toMatchObject({ amount_minor: '10000', payout: payouts[0] });
    const out = join(home, 'matches.csv');
    const program = new Command().exitOverride();
    registerReconcileCommand(program, join(import.meta.dirname, '../..'));
    const args = ['reconcile', 'export', 'matches', '--out', out, '--database', stage.db.url];
    await program.parseAsync(['node', 'x', ...args]);
    expect(readFileSync(out, 'utf8')).toBe(text);
    const nowhere = ['reconcile', 'export', 'cases', '--out', join(home, 'no', 'x.csv'), '--database', stage.db.url];
    const other = new Command().exitOverride();
    registerReconcileCommand(other, join(import.meta.dirname, '../..'));
    await expect(other.parseAsync(['node', 'x', ...nowhere])).rejects.toThrow('could not be written');
  });
});
