import { randomUUID } from 'node:crypto';
import { vi } from 'vitest';
import { Payments } from '#payments';
import { toGlobalId } from '#platform';
import { CARD, FundingStage, type Loose, type Person, got } from './funding.stage.js';
import { type MachineTable, StepsRecorder } from './steps.recorder.js';

export const DAY_MS = 86_400_000;
const SECRET = 'Bearer sk_test_funding';

/** Cards and bank accounts beyond those of {@link CARD}. */
export const METHOD = {
  ...CARD,
  /** Saved without a question, refused when it is charged. */
  chargeFails: '4000000000000341',
  /** Saved with its owner; charged without him, his bank wants him. */
  wantsOwner: '4000002760003184',
  /** Paid at once. */
  debit: 'pm_usBankAccount_success',
  /** With the bank for three minutes. */
  slowDebit: 'pm_successDelayed_at',
  slowDebitFails: 'pm_failedDelayed_at',
} as const;

/** What a donor may ask for in which states; in every other he is refused. */
export const DONOR_MAY: Readonly<Record<string, readonly string[]>> = {
  pledgeCancel: ['created', 'method_required', 'pledged', 'needs_action', 'errored', 'instructions_issued'],
  pledgeRefund: ['collected', 'partially_funded'],
  pledgePayNow: ['created', 'needs_action', 'errored', 'instructions_issued', 'partially_funded'],
  pledgeMethodChange: ['method_required', 'pledged', 'errored'],
};

export interface Made {
  readonly id: string;
  readonly secret: string | undefined;
}

/** Funding, with every step of a machine written down, and short ways to what donors and banks do. */
export class PledgesStage {
  private constructor(
    readonly funding: FundingStage,
    readonly steps: StepsRecorder,
    readonly owner: Person,
    readonly operator: Person,
  ) {}

  /** `more`: rooms beyond those of funding, and their machines. */
  static async open(
    more: Parameters<typeof FundingStage.open>[1] = {},
    tables: readonly MachineTable[] = [],
  ): Promise<PledgesStage> {
    const funding = await FundingStage.open(
      {
        timing: { disputeDelayMs: 20, outcomeDelayMs: 20, settlementMs: 0 },
      },
      more,
    );
    const steps = await StepsRecorder.begin(funding.db.dataSource, [
      { table: 'cash_pledge', column: 'state' },
      { table: 'compute_pledge', column: 'state' },
      { table: 'pledge_plan', column: 'state' },
      { table: 'campaign', column: 'state' },
      ...tables,
    ]);
    return new PledgesStage(
      funding,
      steps,
      await funding.person('Ishmael'),
      await funding.person('Olga Operator', 'operator'),
    );
  }

  /** Charged at once, and far from its goal. */
  keepsAll(more: object = {}): Promise<string> {
    return this.funding.liveCampaign(this.owner, {
      cashGoalMinor: 10n ** 12n,
      deadline: this.funding.inDays(200),
      ...more,
    });
  }

  /** Charged when it settles: a week, with another try every two days. */
  allOrNothing(more: object = {}): Promise<string> {
    return this.funding.liveCampaign(this.owner, {
      fundingModel: 'all_or_nothing',
      cashGoalMinor: 5_000n,
      computeGoalMilliseconds: 0n,
      windows: { settlementWindowSeconds: 7 * 86_400, retryEverySeconds: 2 * 86_400, safetyWindowSeconds: 86_400 },
      ...more,
    });
  }

  async pledge(who: Person, campaignId: string, amountMinor: bigint, more: object = {}): Promise<Made> {
    const asked = { campaignId, amountMinor, currency: 'USD', idempotencyKey: randomUUID(), ...more };
    const made = got(await this.funding.cash.create(who, asked));
    return { id: made.pledge.id, secret: made.payment?.clientSecret };
  }

  /** What the donor's browser does with a secret: a card by its number, an account by its token. Answers the bank's page. */
  async confirm(secret: string | undefined, method: string): Promise<string | undefined> {
    if (/^\d+$/.test(method)) {
      const isSetup = secret?.startsWith('seti_');
      const { nextUrl } = isSetup
        ? await this.funding.saveCard(secret, method)
        : await this.funding.pay(secret, method);
      await this.funding.settle();
      return nextUrl;
    }
    const [intent] = (secret ?? '').split('_secret_');
    const kind = intent?.startsWith('seti_') ? 'setup_intents' : 'payment_intents';
    await this.api(`${kind}/${intent}/confirm`, {
      payment_method: method,
      'mandate_data[customer_acceptance][type]': 'online',
      'mandate_data[customer_acceptance][online][ip_address]': '203.0.113.7',
      'mandate_data[customer_acceptance][online][user_agent]': 'test',
    });
    await this.funding.settle();
    return undefined;
  }

  /** What the cardholder says on the page of his bank. */
  async answer(page: string | undefined, outcome: 'complete' | 'fail' = 'complete'): Promise<void> {
    const headers = { 'content-type': 'application/json' };
    await fetch(page ?? '', { method: 'POST', headers, body: JSON.stringify({ outcome }) });
    await this.funding.settle();
  }

  /** A pledge whose card is saved, to be charged at the close. */
  async saved(who: Person, campaignId: string, amountMinor: bigint, card: string = METHOD.good): Promise<string> {
    const made = await this.pledge(who, campaignId, amountMinor);
    const page = await this.confirm(made.secret, card);
    if (page !== undefined) await this.answer(page);
    return made.id;
  }

  /** The same pledge paid, where it is charged at once. */
  async paid(who: Person, campaignId: string, amountMinor: bigint, method: string = METHOD.good): Promise<string> {
    const rail = method.startsWith('pm_us') ? 'us_bank_account' : method.startsWith('pm_') ? 'sepa_debit' : 'card';
    const currency = rail === 'sepa_debit' ? 'EUR' : 'USD';
    const made = await this.pledge(who, campaignId, amountMinor, { rail, currency });
    await this.confirm(made.secret, method);
    return made.id;
  }

  /** The donor's bank sends money to the account that is his. */
  async wire(who: Person, amountMinor: bigint): Promise<void> {
    const [customer] = await this.rows<{ id: string }>(
      'SELECT stripe_customer_id AS id FROM payment_customer WHERE contributor_pseudonym = $1',
      [who.pseudonym],
    );
    await this.api(`test_helpers/customers/${customer?.id}/fund_cash_balance`, {
      amount: String(amountMinor),
      currency: 'usd',
    });
    await this.funding.settle();
  }

  /** Lets the clocks of the close, of payments and of refunds take turns. */
  async work(rounds = 2): Promise<void> {
    for (let round = 0; round < rounds; round += 1) {
      await this.funding.relay();
      await this.funding.tick('pledges.close');
      await this.funding.tick('payment-sweep');
      await this.funding.settle();
      await this.funding.tick('pledges.wind-up');
    }
    await this.funding.settle();
  }

  /** Makes the charges of this pledge that are due at the processor, and nobody else's. */
  async charge(pledgeId: string): Promise<void> {
    const payments = this.funding.app.get(Payments, { strict: false });
    const open = await this.rows<{ id: string }>(
      "SELECT id FROM payment WHERE reference = $1 AND status = 'LOCAL_INTENT'",
      [pledgeId],
    );
    for (const { id } of open) await payments.submitPayment(id);
    await this.funding.settle();
  }

  /** Days go by: every clock that falls due runs once, then those of money until nothing moves. */
  async days(days: number): Promise<void> {
    await this.funding.advance(days * DAY_MS + 1_000);
    await this.work();
  }

  path(rowId: string): Promise<string[]> {
    return this.steps.path(rowId);
  }

  rows<T = Record<string, unknown>>(sql: string, params: unknown[] = []): Promise<T[]> {
    return this.funding.rows<T>(sql, params);
  }

  async state(pledgeId: string): Promise<string | undefined> {
    return (await this.rows<{ state: string }>('SELECT state FROM cash_pledge WHERE id = $1', [pledgeId]))[0]?.state;
  }
  async campaignState(id: string): Promise<string | undefined> {
    return (await this.rows<{ state: string }>('SELECT state FROM campaign WHERE id = $1', [id]))[0]?.state;
  }
  /** The newest payment of the pledge, as Stripe calls it. */
  async intentOf(pledgeId: string): Promise<string> {
    const [row] = await this.rows<{ id: string }>(
      'SELECT stripe_payment_intent_id AS id FROM payment WHERE reference = $1 ORDER BY created_at DESC, id DESC LIMIT 1',
      [pledgeId],
    );
    return row?.id ?? '';
  }
  async disputeOf(pledgeId: string): Promise<string> {
    const [row] = await this.rows<{ id: string }>(
      'SELECT d.stripe_dispute_id AS id FROM dispute d JOIN payment p ON p.id = d.payment_id WHERE p.reference = $1',
      [pledgeId],
    );
    return row?.id ?? '';
  }

  /** The processor's API. */
  async api<T = Loose>(path: string, fields: Readonly<Record<string, string>> = {}): Promise<T> {
    const answer = await fetch(`${this.funding.sandbox.url}/v1/${path}`, {
      method: 'POST',
      headers: { authorization: SECRET, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(fields),
    });
    if (!answer.ok) throw new Error(await answer.text());
    return (await answer.json()) as T;
  }

  /** What only banks do. `isHeard`: wait until all of it has reached us. */
  async bank(path: string, body: object, isHeard = true): Promise<void> {
    const answer = await fetch(`${this.funding.sandbox.url}/_sandbox/${path}`, {
      method: 'POST',
      headers: { authorization: SECRET, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(await answer.text());
    if (isHeard) await this.funding.settle();
  }

  /** A mutation about one pledge, through GraphQL: the codes of its refusal, or none. */
  async ask(mutation: string, who: Person, pledgeId: string): Promise<string[]> {
    const type = mutation === 'pledgeRefund' ? 'PledgeRefundInput' : 'PledgeStepInput';
    const query = `mutation M($input: ${type}!) { ${mutation}(input: $input) { userErrors { code } } }`;
    const input = { pledgeId: toGlobalId('CashPledge', pledgeId) };
    const { data, errors } = await this.funding.gql(query, { input }, who);
    if (errors) throw new Error(JSON.stringify(errors));
    return data[mutation].userErrors.map((each: { code: string }) => each.code);
  }

  /** The call to the processor that is lost with the process that would have made it. */
  dies(call: 'submitCancels' | 'submitRefund', times = 1): void {
    const spy = vi.spyOn(this.funding.app.get(Payments, { strict: false }), call);
    for (let n = 0; n < times; n += 1) spy.mockResolvedValueOnce(undefined);
  }

  close(): Promise<void> {
    return this.funding.close();
  }
}
