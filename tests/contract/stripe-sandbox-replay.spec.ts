import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { compareAnswers, IdentifierMap } from '../../libs/payments/src/sandbox/replay/answer.comparison.js';
import { replay } from '../../libs/payments/src/sandbox/replay/replay.command.js';
import { clientOf, errorOf, openSandbox } from './stripe-sandbox.stage.js';

const FOLDER = process.env['STRIPE_RECORDINGS'] ?? join(import.meta.dirname, '../../../shared/data/stripe');
const RECORDINGS = ['recorded-refunds.yml', 'recorded-scheduled-payins.yml'].map((name) => join(FOLDER, name));

const scratch = mkdtempSync(join(tmpdir(), 'replay-'));
afterAll(() => rmSync(scratch, { recursive: true }));

describe('recorded traffic', () => {
  const missing = RECORDINGS.find((file) => !existsSync(file));
  it.skipIf(missing !== undefined)(
    `agrees with the sandbox in 95 % of all compared fields${missing === undefined ? '' : ` (skipped: no ${missing})`}`,
    async () => {
      const report = await replay(RECORDINGS);
      process.stdout.write(`    ${report.text.split('\n').at(-4) ?? ''}\n`);
      expect(report.share).toBeGreaterThanOrEqual(0.95);
      expect(report.text).toMatch(/compared fields are equal: 9\d\.\d\d %/);
    },
  );

  it('that the sandbox answers otherwise is told field by field', async () => {
    const file = join(scratch, 'odd.yml');
    const answer = JSON.stringify({ error: { code: 'resource_missing', message: 'Gone.', param: 'id' } });
    writeFileSync(
      file,
      [
        'interactions:',
        '- request: {body: null, headers: {}, method: GET, uri: "https://api.stripe.com/v1/customers/x"}',
        '  response:',
        `    body: {string: '${answer}'}`,
        "    headers: {Stripe-Version: ['2019-08-14']}",
        '    status: {code: 410, message: Gone}',
        'version: 1',
      ].join('\n'),
    );
    const report = await replay([file]);
    expect(report.text).toContain('HTTP status: recorded 410, sandbox 404');
    expect(report.text).toContain(`error.message: recorded "Gone.", sandbox "No such customer: 'x'"`);
    expect(report.share).toBe(0.5);
    writeFileSync(file, 'a: 1\n');
    await expect(replay([file])).rejects.toThrow('no recording');
  });
});

describe('an older API version', () => {
  it('is answered in its shape and with its defaults, and an unknown one is refused', async () => {
    const sandbox = await openSandbox();
    try {
      const stripe = clientOf(sandbox);
      const terms = { amount: 900, currency: 'usd', confirm: true, payment_method: 'pm_card_visa' };
      const old = await stripe.paymentIntents.create(terms, { apiVersion: '2019-08-14' });
      expect(old).toMatchObject({
        capture_method: 'automatic',
        invoice: null,
        charges: { object: 'list', total_count: 1, data: [{ id: old.latest_charge, order: null, radar_options: {} }] },
      });
      expect(old.lastResponse.apiVersion).toBe('2019-08-14');
      const now = await stripe.paymentIntents.create(terms);
      expect(now.capture_method).toBe('automatic_async');
      expect(Object.keys(now)).not.toContain('charges');
      const odd = await errorOf(stripe.balance.retrieve({}, { apiVersion: 'yesterday' }));
      expect(odd.message).toContain('Invalid Stripe API version');
    } finally {
      await sandbox.stop();
    }
  });
});

describe('the comparison', () => {
  const compare = (recorded: object, answered: object, ids = new IdentifierMap()) => {
    const { compared, equal, mapped, differences } = compareAnswers(recorded, answered, ids);
    return { compared, equal, mapped, paths: differences.map(({ path }) => path) };
  };

  it('maps identifiers and times, and compares all else', () => {
    const recorded = {
      id: 'pi_3QlCyQFk4eGpfLOC',
      url: '/v1/x/pi_3QlCyQFk4eGpfLOC',
      created: 1_737_825_407,
      amount: 5,
      list: [],
    };
    const answered = { id: 'pi_Ab3', url: '/v1/x/pi_Ab3', created: 1_800_000_000, amount: 5, list: [], more: 1 };
    expect(compare(recorded, answered)).toEqual({ compared: 3, equal: 3, mapped: 2, paths: [] });
  });

  it('finds what is missing, of another type, or another value', () => {
    const recorded = { a: 1, b: null, c: { d: [1, 2] }, e: {} };
    expect(compare(recorded, { a: '1', c: { d: [1] }, e: null }).paths).toEqual(['a', 'b', 'c.d[1]', 'e']);
  });

  it('counts a mapping that does not hold as a difference', () => {
    const ids = new IdentifierMap();
    expect(compare({ id: 'cus_ReW0fAwS0JVO4t' }, { id: 'cus_One1234' }, ids).mapped).toBe(1);
    expect(compare({ customer: 'cus_ReW0fAwS0JVO4t' }, { customer: 'cus_Two1234' }, ids).paths).toEqual(['customer']);
    expect(compare({ id: 'ch_3QlCyQFk4eGpfLOC0' }, { id: 'py_3QlCyQFk4eGpfLOC0' }).paths).toEqual(['id']);
    expect(compare({ created: 1_737_825_407 }, { created: 3 }).paths).toEqual(['created']);
  });
});
