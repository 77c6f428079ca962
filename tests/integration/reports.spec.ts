import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRefused } from '#kernel';
import { Ledger } from '#ledger';
import { ReportCommands, reportInvariants } from '#reports';
import { CAMPAIGN, mainRunEvents, RUN } from './main-run.js';
import {
  app,
  book,
  bookId,
  closeStage,
  db,
  emit,
  get,
  openStage,
  PLACE,
  uow,
  violations,
  work,
} from './reports.stage.js';

beforeAll(openStage);
afterAll(closeStage);

describe('publishing', () => {
  it('waits until every lease is settled, then happens once, however often events are delivered', async () => {
    const events = mainRunEvents();
    const open = events.findLastIndex(([type]) => type === 'usage.settled');
    await emit(events.slice(0, open));
    await work(2);
    expect((await get(PLACE)).status).toBe(404);
    await emit(events.slice(open));
    await work(3);
    const { rows } = {
      rows: await db.dataSource.query<{ version: number; log_size: bigint; cause: string }[]>(
        'SELECT version, log_size, cause FROM report_publication',
      ),
    };
    expect(rows).toEqual([{ version: 1, log_size: BigInt(events.length), cause: `run-ended:${RUN}` }]);
    await book();
    expect(await violations()).toEqual([]);
  });

  it('by hand refuses what it can not do, and changes nothing', async () => {
    const commands = app.get(ReportCommands);
    const codeOf = async (
      input: Parameters<typeof commands.publish>[0],
      viewer?: Parameters<typeof commands.publish>[1],
    ) => {
      const outcome = await commands.publish(input, viewer);
      return isRefused(outcome) ? outcome.first.code : outcome;
    };
    const definition = 'run-transparency';
    expect(await codeOf({ definition: 'gossip', runId: RUN })).toBe('REPORT_DEFINITION_UNKNOWN');
    expect(await codeOf({ definition })).toBe('REPORT_SUBJECT_MISSING');
    expect(await codeOf({ definition, runId: RUN, campaignId: CAMPAIGN })).toBe('REPORT_SUBJECT_MISSING');
    expect(await codeOf({ definition, runId: CAMPAIGN })).toBe('REPORT_RUN_NOT_FOUND');
    expect(await codeOf({ definition, campaignId: RUN })).toBe('REPORT_RUN_NOT_FOUND');
    expect(await codeOf({ definition, campaignId: CAMPAIGN })).toBe('REPORT_UNCHANGED');
    expect(await codeOf({ definition, runId: RUN }, { kind: 'anonymous' })).toBe('PROJECT_ROLE_REQUIRED');
    expect(await db.dataSource.query('SELECT 1 FROM report_publication')).toHaveLength(1);
  });

  it('makes a correction a new version, and leaves the first as it was', async () => {
    const before = await (await get(`${PLACE}/v/1.json`)).text();
    await emit([
      ['pledge.cash.refunded', { pledgeId: 'pl5', campaignId: CAMPAIGN, amountMinor: '5000', currency: 'USD' }],
    ]);
    expect((await violations()).filter((v) => v.includes('refunded'))).toHaveLength(1);
    await uow.run('test.book', async (tx) =>
      new Ledger().post(tx, [
        {
          key: `refund:${bookId(5)}:paid`,
          kind: 'posted',
          debit: `campaign:${CAMPAIGN}:escrow:USD`,
          credit: 'processor:available:USD',
          amount: 5000n,
          reason: 'test',
          refs: { campaign: CAMPAIGN },
        },
      ]),
    );
    // Version 1 doesn't know the refund; the books do, and the check allows for what came later.
    expect(await violations()).toEqual([]);
    await work();
    const published = await app.get(ReportCommands).publish({ definition: 'run-transparency', campaignId: CAMPAIGN });
    expect(published).toMatchObject({ version: 2 });
    await work();
    expect(await (await get(`${PLACE}/v/1.json`)).text()).toBe(before);
    const second = (await (await get(`${PLACE}.json`)).json()) as {
      report: {
        version: number;
        corrects: { version: number; sha256: string };
        facts: { money: { refundedMinor: string } };
      };
    };
    expect(second.report).toMatchObject({
      version: 2,
      corrects: { version: 1 },
      facts: { money: { refundedMinor: '5500' } },
    });
    expect(await violations()).toEqual([]);
  });

  it('is for ever', async () => {
    for (const sql of [
      "UPDATE report_publication SET sha256 = ''",
      'DELETE FROM report_file',
      "UPDATE report SET slug = 'x'",
    ]) {
      await expect(db.dataSource.query(sql), sql).rejects.toThrow('never changes');
    }
  });

  it('the audit finds a report that says something else than the log', async () => {
    const runner = db.dataSource.createQueryRunner();
    await runner.startTransaction();
    await runner.query('SET LOCAL session_replication_role = replica');
    await runner.query(`UPDATE report_publication SET sha256 = repeat('0', 64) WHERE version = 1`);
    const tx = {
      query: async (text: string, params: unknown[] = []) => (await runner.query(text, params, true)).records,
    } as never;
    const found: string[] = [];
    for (const check of reportInvariants) found.push(...(await check.run(tx)).violations);
    await runner.rollbackTransaction();
    await runner.release();
    expect(found.some((v) => v.includes('version 1: the log gives'))).toBe(true);
    expect(found.some((v) => v.includes('is not announced'))).toBe(true);
  });
});
