import { randomUUID } from 'node:crypto';
import { DisbursementsModule, disbursementInvariants } from '#disbursements';
import { payoutInvariants } from '#payments';
import { parseGlobalId, toGlobalId } from '#platform';
import { FundingStage, type Loose, type Person } from '../integration/funding.stage.js';
import { type Cast, printBalances, printJournal } from './journal.printer.js';

export const DAY_MS = 86_400_000;
const KEY = 'Bearer sk_test_funding';
const SECONDS_A_DAY = 86_400;

export const BANK = { good: '000123456789', closed: '000111111113' } as const;
/** Saved without a question, refused when it is charged. */
export const CARD_THAT_FAILS = '4000000000000341';

/**
 * The life of campaigns, told by those who take part: everybody acts through GraphQL over HTTP, payers and banks through
 * the processor's own HTTP API. What time does, the clocks of the worker do.
 */
export class Life {
  readonly cast = new Map<string, string>();
  private constructor(
    readonly stage: FundingStage,
    readonly owner: Person,
    readonly operator: Person,
  ) {}

  static async begin(): Promise<Life> {
    const stage = await FundingStage.open(
      { timing: { disputeDelayMs: 50, outcomeDelayMs: 50, settlementMs: 0, payoutMs: 50 } },
      { modules: [DisbursementsModule], env: { STRIPE_CALLS_PER_SECOND: '1000' } },
    );
    return new Life(stage, await stage.person('Ishmael'), await stage.person('Olga Operator', 'operator'));
  }

  end(): Promise<void> {
    return this.stage.close();
  }

  /** One mutation that has to be done; answers its payload. */
  async act(name: string, input: object, fields: string, as: Person): Promise<Loose> {
    const payload = await this.ask(name, input, fields, as);
    if (payload.userErrors.length > 0) throw new Error(`${name}: ${JSON.stringify(payload.userErrors)}`);
    return payload;
  }

  /** The same, refusals included. */
  async ask(name: string, input: object, fields: string, as: Person): Promise<Loose> {
    const type = INPUTS[name] ?? `${name[0]?.toUpperCase()}${name.slice(1)}Input`;
    const query = `mutation M($input: ${type}!) { ${name}(input: $input) { ${fields} userErrors { code message } } }`;
    const { data, errors } = await this.stage.gql(query, { input }, as);
    if (errors) throw new Error(`${name}: ${JSON.stringify(errors)}`);
    return data[name];
  }

  /** A reviewed, live campaign with the given terms, called by `name` in the journal. */
  async campaign(name: string, terms: object): Promise<string> {
    const { projectId, recipeId } = await this.stage.project(this.owner);
    const input = {
      projectId: toGlobalId('Project', projectId),
      recipeId: toGlobalId('Recipe', recipeId),
      title: 'A whale of a model',
      summary: 'One book, read by many machines.',
      deadline: this.stage.inDays(30).toISOString(),
      windows: {
        settlementWindowSeconds: 7 * SECONDS_A_DAY,
        retryEverySeconds: 2 * SECONDS_A_DAY,
        safetyWindowSeconds: 14 * SECONDS_A_DAY,
      },
      ...terms,
    };
    const { campaign } = await this.act('campaignCreate', input, 'campaign { id }', this.owner);
    await this.act('campaignSubmit', { campaignId: campaign.id }, 'campaign { state }', this.owner);
    await this.act('campaignApprove', { campaignId: campaign.id }, 'campaign { state }', this.operator);
    this.cast.set(parseGlobalId(campaign.id as string)?.id ?? '', name);
    return campaign.id as string;
  }

  /** Gives somebody roles in the campaign's project. */
  async member(campaignId: string, who: Person, roles: readonly string[]): Promise<void> {
    const { data } = await this.stage.gql('query Q($id: ID!) { campaign(id: $id) { project { id } } }', {
      id: campaignId,
    });
    const input = {
      projectId: data.campaign.project.id,
      contributorId: toGlobalId('Contributor', who.contributorId),
      roles,
    };
    await this.act('projectMemberSet', input, 'project { id }', this.owner);
  }

  /** Promises an amount; `payment` and `transfer` say how it is paid. */
  async pledge(who: Person, campaignId: string, amountMinor: string, more: object = {}): Promise<Loose> {
    const input = { campaignId, amountMinor, currency: 'USD', idempotencyKey: randomUUID(), ...more };
    const fields = 'pledge { id state } payment { clientSecret savesMethod } transfer { currency }';
    return this.act('pledgeCashCreate', input, fields, who);
  }

  /** Pledges by card: paid at once, or the card saved where the campaign charges later. */
  async card(who: Person, campaignId: string, amountMinor: string, card: string): Promise<string> {
    const { pledge, payment } = await this.pledge(who, campaignId, amountMinor);
    const { nextUrl } = payment.savesMethod
      ? await this.stage.saveCard(payment.clientSecret, card)
      : await this.stage.pay(payment.clientSecret, card);
    if (nextUrl) await this.confirm(nextUrl);
    await this.work();
    return pledge.id as string;
  }

  /** The cardholder says yes on the page of his bank. */
  async confirm(page: string): Promise<void> {
    const headers = { 'content-type': 'application/json' };
    await fetch(page, { method: 'POST', headers, body: '{"outcome":"complete"}' });
  }

  /** The donor's bank sends money to the account that is his at the processor. */
  async wire(who: Person, amountMinor: string): Promise<void> {
    const [customer] = await this.stage.rows<{ id: string }>(
      'SELECT stripe_customer_id AS id FROM payment_customer WHERE contributor_pseudonym = $1',
      [who.pseudonym],
    );
    await this.processor(`v1/test_helpers/customers/${customer?.id}/fund_cash_balance`, {
      amount: amountMinor,
      currency: 'usd',
    });
    await this.work();
  }

  /** Where the owner tells the processor the bank account to pay out to. */
  async payoutAccount(campaignId: string, account: string): Promise<void> {
    const { onboardingUrl } = await this.act(
      'payoutAccountConnect',
      { campaignId, country: 'US' },
      'onboardingUrl',
      this.owner,
    );
    const answer = await fetch(onboardingUrl as string, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ account_number: account }),
    });
    if (!answer.ok) throw new Error(await answer.text());
    await this.work();
  }

  private async processor(path: string, fields: Readonly<Record<string, string>>): Promise<void> {
    const answer = await fetch(`${this.stage.sandbox.url}/${path}`, {
      method: 'POST',
      headers: { authorization: KEY, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(fields),
    });
    if (!answer.ok) throw new Error(await answer.text());
  }

  async days(days: number): Promise<void> {
    await this.stage.advance(days * DAY_MS + 1000);
    await this.work();
  }

  /** Lets the worker's clocks take turns until what is under way has arrived. */
  async work(): Promise<void> {
    for (let round = 0; round < 3; round += 1) {
      for (const clock of CLOCKS) {
        await this.stage.tick(clock);
        await this.stage.settle();
      }
    }
  }

  async campaignNow(id: string): Promise<Loose> {
    const query = `query Q($id: ID!) { campaign(id: $id) { state failReason progress { cashCaptured { decimal } cashRefunded { decimal } cashHeld { decimal } cashBackers } } }`;
    const { data, errors } = await this.stage.gql(query, { id });
    if (errors) throw new Error(JSON.stringify(errors));
    return data.campaign;
  }
  async state(id: string): Promise<string> {
    return (await this.campaignNow(id)).state as string;
  }

  async tranches(
    id: string,
  ): Promise<{ id: string; number: number; state: string; amount: { decimal: string } | null }[]> {
    const query = `query Q($id: ID!) { campaign(id: $id) { disbursement { tranches { id number state amount { decimal } } } } }`;
    const { data, errors } = await this.stage.gql(query, { id });
    if (errors) throw new Error(JSON.stringify(errors));
    return data.campaign.disbursement?.tranches ?? [];
  }

  /** Everything that the audit finds wrong. */
  async faults(): Promise<string[]> {
    const found = await this.stage.violations();
    for (const check of [...disbursementInvariants, ...payoutInvariants]) {
      const { violations } = await this.stage.db.uow.read((tx) => check.run(tx));
      found.push(...violations.map((violation) => `${check.name}: ${violation}`));
    }
    return found;
  }

  journal = async (): Promise<string> => `\n${await printJournal(this.stage, this.cast as Cast, true)}\n`;
  balances = async (): Promise<string> => `\n${await printBalances(this.stage, this.cast as Cast)}\n`;
}

const CLOCKS = [
  'pledges.close',
  'payment-sweep',
  'pledges.wind-up',
  'payment-sweep',
  'disbursements.advance',
  'payout-sweep',
];
const INPUTS: Readonly<Record<string, string>> = {
  campaignSubmit: 'CampaignStepInput',
  campaignApprove: 'CampaignStepInput',
  disbursementApprove: 'DisbursementReasonInput',
  disbursementRetry: 'DisbursementStepInput',
  pledgeCancel: 'PledgeStepInput',
  pledgePayNow: 'PledgeStepInput',
};
