/** `commonweights rates import FILE` with good files and bad ones. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { registerRatesCommand } from '../../apps/cli/src/rates/rates.command.js';
import { type TestDatabase, createTestDatabase } from '../../libs/testkit/src/index.js';

let db: TestDatabase;
let folder: string;

beforeAll(async () => {
  db = await createTestDatabase();
  folder = await mkdtemp(join(tmpdir(), 'cw-rates-'));
});
afterAll(async () => {
  await db.close();
  await rm(folder, { recursive: true, force: true });
});

/** What the command says: its line, or the lines with which it stops. */
async function importing(text: string | Uint8Array, file = 'rates.csv'): Promise<string> {
  await writeFile(join(folder, file), text);
  return command(join(folder, file));
}
async function command(path: string): Promise<string> {
  let said = '';
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((text) => (said += String(text)) !== '');
  try {
    const program = new Command('commonweights');
    registerRatesCommand(program, join(import.meta.dirname, '../..'));
    await program.parseAsync(['node', 'commonweights', 'rates', 'import', path, '--database', db.url]);
    return said;
  } catch (error) {
    return (error as Error).message;
  } finally {
    out.mockRestore();
  }
}
const stored = () => db.dataSource.query('SELECT as_of::text AS day, quote, rate::text AS rate FROM exchange_rate');

describe('rates import', () => {
  it('stores the daily file and the history, each day once', async () => {
    expect(await importing('Date, USD, JPY, \n23 November 2026, 1.0843, 162.57, \n')).toBe(
      '✓ 2 rates read, 2 of them new.\n',
    );
    const history = 'Date,USD,JPY,\r\n2026-11-23,1.0843,162.57,\r\n2026-11-20,1.0830,N/A,\r\n';
    expect(await importing(history)).toBe('✓ 3 rates read, 1 of them new.\n');
    expect(await importing(history)).toBe('✓ 3 rates read, none of them new.\n');
    expect(await importing('\uFEFFDate,USD\n2026-11-19,1.0820\n')).toBe('✓ One rate read, 1 of them new.\n');
  });

  it('refuses another rate of a day that is known, and stores nothing of that file', async () => {
    const before = await stored();
    const said = await importing('Date,USD,GBP\n2026-11-23,1.9,0.83\n2026-11-18,1.07,0.82\n');
    expect(said).toContain('(RATES_CONFLICT)');
    expect(said).toContain('USD of 2026-11-23 is stored as 1.0843');
    expect(await stored()).toEqual(before);
  });

  it.each([
    ['no table', 'hello', 'The first line names "Date" and the currencies.'],
    ['nothing', '', 'The first line names "Date" and the currencies.'],
    ['a ZIP, as the bank publishes it', Buffer.from('504b0304ff00fe', 'hex'), 'The first line names'],
    ['a day that there is not', 'Date,USD\n2026-02-30,1.08\n', 'Line 2 begins with no date: 2026-02-30'],
    ['a day twice', 'Date,USD\n2026-11-16,1.08\n2026-11-16,1.09\n', 'Line 3 is of 2026-11-16 once more.'],
    ['a currency twice', 'Date,USD,USD\n2026-11-16,1.08,1.09\n', 'The first line names USD twice.'],
    ['a rate of nothing', 'Date,USD\n2026-11-16,0\n', 'Line 2, USD: 0 is no rate.'],
    ['a rate that a float would take', 'Date,USD\n2026-11-16,1e3\n', 'Line 2, USD: 1e3 is no rate.'],
    ['a negative rate', 'Date,USD\n2026-11-16,-1.08\n', 'Line 2, USD: -1.08 is no rate.'],
    ['a formula for a currency', 'Date,=1+1\n2026-11-16,1.08\n', 'Column 2 is no currency: =1+1'],
    ['a day that has not come', 'Date,USD\n2999-01-01,1.08\n', 'USD of 2999-01-01'],
    ['no rate at all', 'Date,USD\n2026-11-16,N/A\n', 'There is no rate in it.'],
  ])('refuses %s, and stores nothing', async (_, text, detail) => {
    const before = await stored();
    const said = await importing(text);
    expect(said).toContain('(RATES_FILE_INVALID)');
    expect(said).toContain(detail);
    expect(await stored()).toEqual(before);
  });

  it('says when the file is too large, or not there', async () => {
    expect(await importing(`Date,USD\n${'#'.repeat(8_000_001)}`)).toContain('larger than all reference rates together');
    expect(await command(join(folder, 'missing.csv'))).toContain("can't be read");
    expect(await command(folder)).toContain("can't be read");
  });
});
