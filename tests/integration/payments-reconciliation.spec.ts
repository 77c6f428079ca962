import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { Metrics } from '#platform';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { registerReconcileCommand } from '../../apps/cli/src/reconcile/reconcile.command.js';
import { ReconciliationJob } from '../../libs/payments/src/jobs/reconciliation.job.js';
import { CARDS, SECRET_KEY, Stage } from './payments.stage.js';

let stage: Stage;
let now = new Date('2026-11-24T12:00:00Z');
const said: { msg: string; level: number; differenceMinor?: string; figures?: Record<string, string> }[] = [];
const logger = pino({ base: null }, { write: (line: string) => void said.push(JSON.parse(line)) });
const metrics = new Metrics();
let job: ReconciliationJob;

beforeAll(async () => {
  stage = await Stage.open();
  job = new ReconciliationJob(stage.reconciliation, metrics, { now: () => now }, logger);
});
afterAll(() => stage.close());

const passes = (ms: number) => (now = new Date(now.getTime() + ms));
async function shown() {
  const text = await metrics.registry.metrics();
  const figure = (name: string) =>
    new RegExp(`^commonweights_reconciliation_${name}\\{.*\\} (\\S+)$`, 'm').exec(text)?.[1];
  return { difference: figure('difference_minor'), age: figure('agreed_age_seconds') };
}
/** Changes the books by hand, past the triggers that forbid it. */
const skew = (cents: bigint) =>
  stage.db.dataSource.transaction(async (manager) => {
    await manager.query('SET LOCAL session_replication_role = replica');
    await manager.query('UPDATE payment SET fee_minor = fee_minor + $1 WHERE reference = $2', [cents, 'paid']);
  });

describe('the comparison with Stripe', () => {
  it('shows nothing in a process that makes none', async () => {
    expect(await shown()).toEqual({ difference: undefined, age: undefined });
  });

  it('agrees after a payment, and says how long ago', async () => {
    const payment = await stage.begin('paid', 10_000n);
    await stage.pay(payment.clientSecret, CARDS.good);
    await stage.settle();
    await job.tick();
    expect(await shown()).toEqual({ difference: '0', age: '0' });
    passes(60_000);
    await job.tick();
    expect([await shown(), said]).toEqual([{ difference: '0', age: '0' }, []]);
  });

  it('shows a difference at once, and logs it as an error when it lasts', async () => {
    await skew(25n);
    passes(60_000);
    await job.tick();
    expect([await shown(), said]).toEqual([{ difference: '25', age: '60' }, []]);
    passes(60_000);
    await job.tick();
    expect(await shown()).toEqual({ difference: '25', age: '120' });
    expect(said).toMatchObject([
      { level: 50, differenceMinor: '25', figures: { 'booked USD': '9655', 'Stripe USD': '9680' } },
    ]);
    await skew(-25n);
    await job.tick();
    expect([await shown(), said.length]).toEqual([{ difference: '0', age: '0' }, 1]);
  });

  it('counts less at Stripe as well, and starts anew after an agreement', async () => {
    await skew(-10n);
    await job.tick();
    expect([(await shown()).difference, said.length]).toEqual(['-10', 1]);
    await skew(10n);
    await job.tick();
  });
});

describe('commonweights reconcile', () => {
  const home = mkdtempSync(join(tmpdir(), 'commonweights-reconcile-'));
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  async function reconcile(env: Record<string, string>): Promise<{ code: unknown; output: string }> {
    const before = { ...process.env };
    let output = '';
    const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((output += String(text)), true));
    for (const name of ['DATABASE_URL', 'STRIPE_SECRET_KEY', 'STRIPE_API_BASE', 'COMMONWEIGHTS_HOME'])
      delete process.env[name];
    Object.assign(process.env, env);
    try {
      const program = new Command().exitOverride();
      registerReconcileCommand(program, join(import.meta.dirname, '../..'));
      await program.parseAsync(['node', 'x', 'reconcile', '--database', stage.db.url]);
      return { code: process.exitCode, output };
    } finally {
      write.mockRestore();
      process.exitCode = undefined;
      process.env = before;
    }
  }

  it('says yes with the figures, and no with exit 1', async () => {
    const env = { STRIPE_SECRET_KEY: SECRET_KEY, STRIPE_API_BASE: stage.sandbox.url };
    expect(await reconcile(env)).toEqual({ code: 0, output: expect.stringMatching(/booked USD: 9680[^]*✓/) });
    await skew(25n);
    expect(await reconcile(env)).toEqual({
      code: 1,
      output: expect.stringMatching(/✗ USD: Stripe holds 9680, the books say 9655/),
    });
    await skew(-25n);
  });

  it('finds the sandbox of the data folder, and says what is missing where there is none', async () => {
    await expect(reconcile({ COMMONWEIGHTS_HOME: home })).rejects.toThrow('set STRIPE_SECRET_KEY');
    const port = Number(new URL(stage.sandbox.url).port);
    writeFileSync(join(home, 'sandbox.json'), JSON.stringify({ port }));
    writeFileSync(join(home, 'secrets.json'), JSON.stringify({ stripeSecretKey: SECRET_KEY }));
    expect(await reconcile({ COMMONWEIGHTS_HOME: home })).toMatchObject({ code: 0 });
    writeFileSync(join(home, 'secrets.json'), JSON.stringify({ stripeSecretKey: 'sk_test_other' }));
    await expect(reconcile({ COMMONWEIGHTS_HOME: home })).rejects.toThrow('could not be compared');
  });
});
