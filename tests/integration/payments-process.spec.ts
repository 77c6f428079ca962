import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { Module, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import Stripe from 'stripe';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRefused } from '#kernel';
import { Ledger } from '#ledger';
import { PaymentListeners, Payments, PaymentsModule, paymentInvariants, Reconciliation } from '#payments';
import { Config, Handlers, PlatformModule, UnitOfWork } from '#platform';
import { type TestDatabase, createTestDatabase, eventually } from '../../libs/testkit/src/index.js';
import { Witness } from './payments.stage.js';

/** The sandbox as its own process, compiled as it is released, so that it can be killed like one. */
const SOURCE = join(import.meta.dirname, '../../libs/payments/src/sandbox');
const folder = mkdtempSync(join(tmpdir(), 'payments-process-'));

function compileSandbox(): string {
  const out = join(folder, 'sandbox');
  mkdirSync(out);
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  symlinkSync(join(import.meta.dirname, '../../node_modules'), join(folder, 'node_modules'));
  for (const name of readdirSync(SOURCE).filter((each) => each.endsWith('.ts') && !each.endsWith('.spec.ts'))) {
    const { outputText } = ts.transpileModule(readFileSync(join(SOURCE, name), 'utf8'), {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 },
    });
    writeFileSync(join(out, name.replace(/\.ts$/, '.js')), outputText);
  }
  return join(out, 'main.js');
}

const witness = new Witness();

let db: TestDatabase;
let app: INestApplication;
let sandbox: { child: ChildProcess; url: string };
let mainFile: string;
let webhookUrl = '';

async function startSandbox(port: number): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(
    process.execPath,
    [
      mainFile,
      '--port',
      String(port),
      '--home',
      join(folder, 'home'),
      '--secret-key',
      'sk_test_p',
      '--publishable-key',
      'pk_test_p',
      ...(webhookUrl === '' ? [] : ['--webhook-url', webhookUrl, '--webhook-secret', 'whsec_p']),
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let text = '';
  const line = await new Promise<string>((done, failed) => {
    child.once('exit', (code) => failed(new Error(`the sandbox exited with ${code}`)));
    child.stdout?.on('data', (part: Buffer) => {
      text += part.toString('utf8');
      if (text.includes('\n')) done(text.split('\n')[0] ?? '');
    });
  });
  const ready = JSON.parse(line) as { ready: boolean; url: string };
  expect(ready.ready).toBe(true);
  return { child, url: ready.url };
}

const ended = (child: ChildProcess): Promise<number | null> =>
  new Promise((done) => {
    if (child.exitCode !== null || child.signalCode !== null) done(child.exitCode);
    else child.once('exit', (code) => done(code));
  });

beforeAll(async () => {
  mainFile = compileSandbox();
  db = await createTestDatabase();
  // Once without a webhook to learn a free port that stays the same over restarts.
  sandbox = await startSandbox(0);
  const config = new Config({
    NODE_ENV: 'test',
    DATABASE_URL: db.url,
    COMMONWEIGHTS_HOME: folder,
    LOG_LEVEL: 'silent',
    STRIPE_SECRET_KEY: 'sk_test_p',
    STRIPE_PUBLISHABLE_KEY: 'pk_test_p',
    STRIPE_WEBHOOK_SECRET: 'whsec_p',
    STRIPE_API_BASE: sandbox.url,
  });
  @Module({
    imports: [PlatformModule.forRoot({ processName: 'test', entities: [], config }), PaymentsModule],
  })
  class TestApp {}
  app = await NestFactory.create(TestApp, { rawBody: true, logger: false });
  app.get(PaymentListeners, { strict: false }).register('pledge', witness);
  await app.listen(0, '127.0.0.1');
  webhookUrl = `http://127.0.0.1:${(app.getHttpServer() as { address(): AddressInfo }).address().port}/stripe/webhook`;
  const port = Number(new URL(sandbox.url).port);
  sandbox.child.kill('SIGTERM');
  expect(await ended(sandbox.child)).toBe(0);
  sandbox = await startSandbox(port);
});
afterAll(async () => {
  sandbox.child.kill('SIGTERM');
  await ended(sandbox.child);
  await app.close();
  await db.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('the webhook endpoint', () => {
  it('answers a wrong signature with 400 and a reason, and stores nothing', async () => {
    const answer = await fetch(webhookUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'stripe-signature': 't=1,v1=00' },
      body: JSON.stringify({ id: 'evt_forged', type: 'payment_intent.succeeded', data: { object: { id: 'pi_1' } } }),
    });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      error: { code: 'STRIPE_SIGNATURE_INVALID', hint: expect.any(String) },
    });
    expect(await db.dataSource.query('SELECT 1 FROM stripe_event')).toEqual([]);
  });
});

describe('with the sandbox killed again and again', () => {
  it('every payment ends once, and the books agree with Stripe to the cent', async () => {
    const payments = app.get(Payments);
    const uow = app.get(UnitOfWork);
    const clocks = app.get(Handlers).clocks();
    expect(clocks.map((clock) => clock.name)).toEqual(
      expect.arrayContaining(['stripe-inbox', 'payment-sweep', 'stripe-backfill']),
    );
    const campaignId = randomUUID();
    const escrowAccount = `campaign:${campaignId}:escrow:USD`;
    const refundsPayableAccount = `campaign:${campaignId}:refunds_payable:USD`;
    await uow.run('accounts', (tx) =>
      app.get(Ledger, { strict: false }).openAccounts(tx, [
        { code: escrowAccount, unit: 'USD', limit: 'debits_must_not_exceed_credits' },
        { code: refundsPayableAccount, unit: 'USD', limit: 'none' },
      ]),
    );
    const port = Number(new URL(sandbox.url).port);
    const kills = (async () => {
      for (let n = 0; n < 4; n += 1) {
        await new Promise((resolve) => setTimeout(resolve, 150 + n * 70));
        sandbox.child.kill('SIGKILL');
        await ended(sandbox.child);
        sandbox = await startSandbox(port);
      }
    })();
    const stripe = new Stripe('sk_test_p', { host: '127.0.0.1', port, protocol: 'http', telemetry: false });
    const payAll = Array.from({ length: 12 }, async (_, n) => {
      await new Promise((resolve) => setTimeout(resolve, n * 70));
      const outcome = await payments.createCardPayment({
        reference: `pledge-${n}`,
        purpose: 'pledge',
        beneficiaryId: campaignId,
        rail: 'card',
        debtAccount: `campaign:${campaignId}:debt:USD`,
        amountMinor: 1000n + BigInt(n),
        currency: 'USD',
        escrowAccount,
        refundsPayableAccount,
        description: 'Pledge',
        contributorPseudonym: randomUUID(),
      });
      if (isRefused(outcome)) throw new Error(JSON.stringify(outcome.refusals));
      // The payer's browser, which also tries again when nobody answers.
      await eventually(`pledge ${n} is paid`, async () => {
        const again = await payments.submitPayment(outcome.paymentId);
        if (isRefused(again) || again.stripePaymentIntentId === undefined) return false;
        const intent = await stripe.paymentIntents.retrieve(again.stripePaymentIntentId);
        if (intent.status === 'succeeded') return true;
        await stripe.paymentIntents.confirm(again.stripePaymentIntentId, { payment_method: 'pm_card_visa' });
        return false;
      });
    });
    await Promise.all([...payAll, kills]);
    await eventually('every payment is booked', async () => {
      for (const clock of clocks.filter((each) => each.name !== 'stripe-backfill')) await clock.tick();
      const rows = await db.dataSource.query("SELECT 1 FROM payment WHERE status = 'SUCCEEDED'");
      return (rows as unknown[]).length === 12;
    });
    expect(witness.told.filter((line) => line.startsWith('captured'))).toHaveLength(12);
    for (const check of paymentInvariants) {
      expect((await uow.read((tx) => check.run(tx))).violations, check.name).toEqual([]);
    }
    const compared = await app.get(Reconciliation).compare();
    expect(compared.violations).toEqual([]);
    expect(compared.figures?.['Stripe USD']).toBe(compared.figures?.['booked USD']);
  });
});
