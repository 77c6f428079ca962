import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { IdentityCommands } from '#identity';
import { ExchangeRates } from '#payments';
import { StatementsModule } from '#reports';
import { toGlobalId } from '#platform';
import { registerVerifyCommands } from '../../apps/cli/src/verify/verify.command.js';
import { CARD, FundingStage, type Loose, type Person, got } from './funding.stage.js';

let stage: FundingStage;
let home: string;
let owner: Person;
let ada: Person;
let bob: Person;
let campaignId: string;
let gift: string;
const secrets = new Map<Person, string>();

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'cw-receipts-'));
  stage = await FundingStage.open({}, { modules: [StatementsModule], env: { COMMONWEIGHTS_HOME: home } });
  owner = await stage.person('Ishmael');
  ada = await stage.person('Ada Lovelace');
  bob = await stage.person('=HYPERLINK("x")');
  for (const [who, name] of [
    [owner, 'Ishmael'],
    [ada, 'Ada Lovelace'],
    [bob, '=HYPERLINK("x")'],
  ] as const) {
    secrets.set(who, got(await stage.app.get(IdentityCommands, { strict: false }).developerSignIn({ name })).secret);
  }
  campaignId = await stage.liveCampaign(owner, {
    title: '=1+1 whale',
    cashGoalMinor: 20_000_000_000n,
    fundingModel: 'keep_it_all',
    deadline: stage.inDays(300),
  });
  gift = await stage.give(ada, campaignId, 12_345n);
});
afterAll(async () => {
  await stage.close();
  await rm(home, { recursive: true, force: true });
});

function download(path: string, as?: Person): Promise<Response> {
  const secret = as && secrets.get(as);
  return fetch(`${stage.url}/statements/${path}`, { headers: secret ? { authorization: `Bearer ${secret}` } : {} });
}
const pledge = (id: string): string => toGlobalId('CashPledge', id);
async function read(path: string, as: Person): Promise<Loose> {
  const response = await download(path, as);
  expect([path, response.status]).toEqual([path, 200]);
  return ((await response.json()) as Loose).statement;
}

async function verify(...args: string[]): Promise<{ code: number; output: string }> {
  let output = '';
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((text) => (output += String(text)) !== '');
  const err = vi.spyOn(process.stderr, 'write').mockImplementation((text) => (output += String(text)) !== '');
  const before = process.exitCode;
  try {
    const program = new Command('commonweights');
    registerVerifyCommands(program);
    await program.parseAsync(['node', 'commonweights', 'verify', ...args]);
    return { code: Number(process.exitCode), output };
  } finally {
    process.exitCode = before;
    out.mockRestore();
    err.mockRestore();
  }
}

/** Saves a download, and answers where. */
async function saved(path: string, as: Person): Promise<string> {
  const file = join(home, path.replaceAll('/', '-'));
  const response = await download(path, as);
  expect([path, response.status]).toEqual([path, 200]);
  await writeFile(file, Buffer.from(await response.arrayBuffer()));
  return file;
}

describe('a receipt', () => {
  it('says what came, what the processor took apart, for what, and where the ledger has it', async () => {
    const receipt = await read(`receipts/${pledge(gift)}.json`, ada);
    expect(receipt).toMatchObject({ definition: 'receipt', version: 1, corrects: null });
    expect(receipt.slug).toMatch(/^receipt-20\d\d-000001$/);
    expect(receipt.facts).toMatchObject({
      payer: { name: 'Ada Lovelace', pseudonym: ada.pseudonym },
      campaign: { id: campaignId, title: '=1+1 whale' },
      terms: { version: 1 },
      pledge: { rail: 'card', amountMinor: '12345', currency: 'USD', exchangeRate: null },
    });
    const fee = receipt.facts.entries.find((entry: Loose) => entry.kind === 'processing fee').amountMinor;
    expect(BigInt(fee)).toBeGreaterThan(0n);
    expect(receipt.facts.totals).toEqual({
      receivedMinor: '12345',
      refundedMinor: '0',
      disputedMinor: '0',
      netMinor: '12345',
      feesMinor: fee,
    });
    for (const entry of receipt.facts.entries) {
      const [row] = await stage.rows('SELECT id, amount FROM ledger_transfer WHERE key = $1', [entry.key]);
      expect(row).toEqual({ id: entry.transferId, amount: BigInt(entry.amountMinor) });
    }
  });

  it('is the same bytes each time, kept by no cache, and verified offline as PDF and JSON', async () => {
    const key = join(home, 'log.pub');
    await writeFile(key, (await (await fetch(`${stage.url}/log/key`)).text()) || '');
    for (const form of ['pdf', 'json']) {
      const path = `receipts/${pledge(gift)}.${form}`;
      const [once, again] = [await download(path, ada), await download(path, ada)];
      expect(Buffer.from(await once.arrayBuffer()).equals(Buffer.from(await again.arrayBuffer()))).toBe(true);
      expect(once.headers.get('cache-control')).toContain('no-store');
      expect(once.headers.get('etag')).toBeNull();
      const file = await saved(path, ada);
      const good = await verify(file);
      expect([good.code, good.output]).toEqual([0, expect.stringContaining('Verified.')]);
      const data = await readFile(file);
      const at = data.indexOf('12345');
      data[at] = 0x39;
      await writeFile(file, data);
      expect((await verify(file)).code).toBe(1);
    }
  });

  it('is refused to strangers, to nobody and to tokens without the scope, and says nothing of what is not there', async () => {
    const path = `receipts/${pledge(gift)}.pdf`;
    const answer = async (response: Response) => [response.status, ((await response.json()) as Loose).code];
    expect(await answer(await download(path))).toEqual([401, 'STATEMENT_UNAUTHENTICATED']);
    expect(await answer(await download(path, bob))).toEqual([404, 'STATEMENT_NOT_FOUND']);
    expect(await answer(await download(path, owner))).toEqual([404, 'STATEMENT_NOT_FOUND']);
    for (const odd of [
      'receipts/x.pdf',
      `receipts/${pledge(randomUUID())}.pdf`,
      `receipts/${pledge(gift)}.csv`,
      `receipts/${pledge(gift)}`,
      `receipts/${pledge(gift)}/v/9.pdf`,
      `receipts/${pledge(gift)}/v/0.pdf`,
      `invoices/${pledge(gift)}.pdf`,
      'years/1999.pdf',
      `campaigns/${toGlobalId('Campaign', campaignId)}.csv`,
    ])
      expect([odd, ...(await answer(await download(odd, ada)))]).toEqual([odd, 404, 'STATEMENT_NOT_FOUND']);
    const made = got(
      await stage.app
        .get(IdentityCommands, { strict: false })
        .createApiToken(ada, { name: 'reads', scopes: ['node:write'] }),
    ) as Loose;
    const response = await fetch(`${stage.url}/statements/${path}`, {
      headers: { authorization: `Bearer ${made.secret}` },
    });
    expect(await answer(response)).toEqual([403, 'STATEMENT_SCOPE_REQUIRED']);
  });

  it('is corrected by its next version when money goes back, once however often it is told', async () => {
    got(await stage.cash.refund(ada, gift, 'changed my mind'));
    await stage.tick('payment-sweep');
    await stage.settle();
    const second = await read(`receipts/${pledge(gift)}.json`, ada);
    const first = await read(`receipts/${pledge(gift)}/v/1.json`, ada);
    expect([first.version, second.version, second.slug === first.slug]).toEqual([1, 2, true]);
    expect(second.corrects).toMatchObject({ version: 1, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(second.facts.totals).toMatchObject({ receivedMinor: '12345', refundedMinor: '12345', netMinor: '0' });
    expect(await stage.rows('SELECT version FROM receipt_version WHERE pledge_id = $1', [gift])).toHaveLength(2);
    await expect(stage.rows("UPDATE receipt_version SET sha256 = repeat('0', 64)")).rejects.toThrow('never changes');
  });

  it('shows a dispute, and its end', async () => {
    const disputed = await stage.give(bob, campaignId, 5_000n, CARD.dispute);
    await stage.settle();
    const receipt = await read(`receipts/${pledge(disputed)}.json`, bob);
    expect(receipt.facts.totals).toMatchObject({ receivedMinor: '5000', disputedMinor: '5000', netMinor: '0' });
    const [dispute] = await stage.rows<{ id: string }>(
      'SELECT d.stripe_dispute_id AS id FROM dispute d JOIN payment p ON p.id = d.payment_id WHERE p.reference = $1',
      [disputed],
    );
    await stage.closeDispute(dispute?.id ?? '', 'won');
    await stage.settle();
    const after = await read(`receipts/${pledge(disputed)}.json`, bob);
    expect(after.corrects.version).toBe(receipt.version);
    expect(after.facts.totals).toMatchObject({ disputedMinor: '0', netMinor: '5000' });
  });

  it('shows a currency without minor units, and how it counts', async () => {
    const day = stage.now().toISOString().slice(0, 10);
    got(
      await stage.db.uow.run('rates', (tx) =>
        stage.app
          .get(ExchangeRates, { strict: false })
          .importEcb(tx, `Date,USD,JPY,GBP,CHF,CAD\n${day},1.1000,160.00,0.8500,0.9500,1.5000\n`),
      ),
    );
    const asked = { campaignId, amountMinor: 7_777n, currency: 'JPY', idempotencyKey: randomUUID() };
    const made = got(await stage.cash.create(bob, asked));
    await stage.pay(made.payment?.clientSecret, CARD.good);
    await stage.settle();
    const receipt = await read(`receipts/${pledge(made.pledge.id)}.json`, bob);
    expect(receipt.facts.totals).toMatchObject({ receivedMinor: '7777' });
    expect(receipt.facts.pledge).toMatchObject({ currency: 'JPY', countedCurrency: 'USD' });
    expect(receipt.facts.pledge.exchangeRate).toContain('ECB');
  });
});

describe('a transfer of $150,000,000 by an institution', () => {
  it('has an invoice to pay by, and a receipt to the cent', async () => {
    const made = got(
      await stage.cash.create(ada, {
        campaignId,
        amountMinor: 15_000_000_007n,
        currency: 'USD',
        rail: 'bank_transfer',
        idempotencyKey: randomUUID(),
        invoice: { organisation: 'Pequod & Sons', address: 'Nantucket', reference: 'PO-7' },
      }),
    );
    const invoice = await read(`invoices/${pledge(made.pledge.id)}.json`, ada);
    expect(invoice.slug).toMatch(/^invoice-cw-20\d\d-000001$/);
    expect(invoice.facts).toMatchObject({
      addressee: { organisation: 'Pequod & Sons', reference: 'PO-7' },
      amountMinor: '15000000007',
    });
    expect(invoice.facts.accounts.length).toBeGreaterThan(0);
    expect((await verify(await saved(`invoices/${pledge(made.pledge.id)}.pdf`, ada))).code).toBe(0);
    const [customer] = await stage.rows<{ id: string }>(
      'SELECT stripe_customer_id AS id FROM payment_customer WHERE contributor_pseudonym = $1',
      [ada.pseudonym],
    );
    await fetch(`${stage.sandbox.url}/v1/test_helpers/customers/${customer?.id}/fund_cash_balance`, {
      method: 'POST',
      headers: { authorization: 'Bearer sk_test_funding', 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ amount: '15000000007', currency: 'usd' }),
    });
    await stage.settle();
    await stage.tick('payment-sweep');
    await stage.settle();
    const receipt = await read(`receipts/${pledge(made.pledge.id)}.json`, ada);
    expect(receipt.facts.totals).toMatchObject({ receivedMinor: '15000000007', netMinor: '15000000007' });
  });
});

describe('a year and a campaign', () => {
  it('a summary adds up what came and went, by campaign and currency', async () => {
    const year = stage.now().getUTCFullYear();
    const summary = await read(`years/${year}.json`, ada);
    expect(summary.facts.currencies).toMatchObject([
      { currency: 'USD', totals: { receivedMinor: '15000012352', refundedMinor: '12345', netMinor: '15000000007' } },
    ]);
    expect(summary.facts.compute).toEqual([]);
    expect((await read(`years/${year - 1}.json`, ada)).facts.entries).toEqual([]);
    const both = await read(`years/${year}.json`, bob);
    expect(both.facts.currencies.map((of: Loose) => of.currency)).toEqual(['JPY', 'USD']);
    for (const form of ['pdf', 'json', 'csv']) await saved(`years/${year}.${form}`, bob);
    const csv = await saved(`years/${year}.csv`, bob);
    const json = await saved(`years/${year}.json`, bob);
    expect((await verify(csv, '--report', json)).code).toBe(0);
    const text = await readFile(csv, 'utf8');
    expect(text).toContain(`"'=1+1 whale"`);
    expect(text).toContain('"JPY","7777","7777"');
  });

  it('an account of a campaign ties to the ledger to the unit, and is for its organisers', async () => {
    const path = `campaigns/${toGlobalId('Campaign', campaignId)}`;
    expect((await download(`${path}.json`, bob)).status).toBe(404);
    const account = await read(`${path}.json`, owner);
    const escrow = `campaign:${campaignId}:escrow:USD`;
    const stated = account.facts.accounts.find((of: Loose) => of.account === escrow);
    const [row] = await stage.rows<{ d: bigint; c: bigint }>(
      'SELECT debits_posted AS d, credits_posted AS c FROM ledger_account WHERE code = $1',
      [escrow],
    );
    expect([BigInt(stated.debitsMinor), BigInt(stated.creditsMinor)]).toEqual([row?.d, row?.c]);
    expect(account.facts.ledger.map((of: Loose) => of.account)).toContain(`campaign:${campaignId}:escrow:JPY`);
    expect(account.facts.accounts.map((of: Loose) => of.account)).toEqual(
      expect.arrayContaining(['processor:fees:USD', 'processor:dispute_fees:USD', 'processor:fees:JPY']),
    );
    const json = await saved(`${path}.json`, owner);
    expect((await verify(json)).code).toBe(0);
    const csv = await saved(`${path}.csv`, owner);
    expect((await verify(csv, '--report', json)).code).toBe(0);
    expect(await readFile(csv, 'utf8')).toContain('"USD","150000000.07","15000000007"');
    expect(await stage.violations()).toEqual([]);
  });

  it('an erased payer is named no longer; numbers and digests stay', async () => {
    await stage.db.uow.run('erase', async (tx) => {
      tx.emit({
        type: 'contributor.erased',
        aggregateType: 'contributor',
        aggregateId: bob.pseudonym,
        payload: { pseudonym: bob.pseudonym },
      });
      return undefined;
    });
    await stage.relay();
    const left = await stage.rows<{ signed: string | null; sha256: string }>(
      'SELECT v.signed, v.sha256 FROM receipt_version v JOIN receipt r USING (pledge_id) WHERE r.contributor_id = $1',
      [bob.contributorId],
    );
    expect(left.length).toBeGreaterThan(1);
    expect(left.every((row) => row.signed === null && row.sha256.length === 64)).toBe(true);
    const numbers = await stage.rows<{ number: number }>('SELECT number FROM receipt ORDER BY number');
    expect(numbers.map((row) => row.number)).toEqual(numbers.map((_, at) => at + 1));
  });
});
