import type { Type } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { campaignChart, campaignInvariants } from '#campaigns';
import {
  Disbursements,
  DisbursementsModule,
  EvidenceCommands,
  TrancheCommands,
  disbursementInvariants,
} from '#disbursements';
import { ledgerInvariants } from '#ledger';
import { paymentInvariants, payoutInvariants } from '#payments';
import { FileStore } from '#platform';
import type { SandboxOptions } from '../../libs/payments/src/sandbox/sandbox.server.js';
import { CAMPAIGN, FundingStage, type Person, got } from './funding.stage.js';

export const DAY_MS = 86_400_000;
export const SETTLED_AT_ONCE: Partial<SandboxOptions> = {
  timing: { disputeDelayMs: 50, outcomeDelayMs: 50, settlementMs: 0, payoutMs: 50 },
};

/** A bank account of the sandbox: what becomes of a payout to it. */
export const BANK = { good: '000123456789', none: '000111111116', closed: '000111111113' } as const;

export interface TrancheDraft {
  readonly title: string;
  readonly shareBp: number;
  readonly budgetKind: string;
  readonly evidence: { readonly kind: string; readonly [term: string]: unknown };
}
const SAYS = { kind: 'milestone_report', description: 'What was trained, and how the loss fell.' };
export const REPORTS: readonly TrancheDraft[] = [
  { title: 'Half at the start', shareBp: 5_000, budgetKind: 'compute', evidence: SAYS },
  { title: 'A third on the way', shareBp: 3_333, budgetKind: 'compute', evidence: SAYS },
  { title: 'The rest at the end', shareBp: 1_667, budgetKind: 'people', evidence: SAYS },
];
export const REPORT = 'The first thousand steps are done, and the loss falls as the plan says.';

const KEY = { authorization: 'Bearer sk_test_funding' } as const;

/** A funding stage with the room of disbursements, its people and a project that can be paid. */
export class DisbursementStage {
  projectId = '';
  private constructor(
    readonly funding: FundingStage,
    readonly people: {
      owner: Person;
      maintainer: Person;
      treasurer: Person;
      first: Person;
      second: Person;
      operator: Person;
    },
  ) {}

  static async open(
    sandbox: Partial<SandboxOptions> = {},
    env: Readonly<Record<string, string>> = {},
    modules: readonly Type[] = [],
  ): Promise<DisbursementStage> {
    const funding = await FundingStage.open(
      { ...SETTLED_AT_ONCE, ...sandbox },
      { modules: [DisbursementsModule, ...modules], env },
    );
    return new DisbursementStage(funding, {
      owner: await funding.person('Ada Owner'),
      maintainer: await funding.person('Mia Maintainer'),
      treasurer: await funding.person('Tom Treasurer'),
      first: await funding.person('Rita Reviewer'),
      second: await funding.person('Rob Reviewer'),
      operator: await funding.person('Olga Operator', 'operator'),
    });
  }

  get evidence(): EvidenceCommands {
    return this.funding.app.get(EvidenceCommands, { strict: false });
  }
  get tranches(): TrancheCommands {
    return this.funding.app.get(TrancheCommands, { strict: false });
  }
  get disbursements(): Disbursements {
    return this.funding.app.get(Disbursements, { strict: false });
  }

  /** A live campaign whose project has reviewers and a treasurer. */
  async campaign(more: {
    tranches?: readonly TrancheDraft[];
    fundingModel?: string;
    cashGoalMinor?: bigint;
    approvalsRequired?: number;
    approvers?: readonly string[];
  }): Promise<string> {
    const { funding } = this;
    const { owner, maintainer, treasurer, first, second, operator } = this.people;
    const { projectId, recipeId } = await funding.project(owner);
    this.projectId = projectId;
    for (const [who, role] of [
      [maintainer, 'maintainer'],
      [treasurer, 'treasurer'],
      [first, 'reviewer'],
      [second, 'reviewer'],
    ] as const) {
      await funding.rows(
        'INSERT INTO project_member (project_id, contributor_id, role, granted_at) VALUES ($1, $2, $3, now())',
        [projectId, who.contributorId, role],
      );
    }
    const id = got(
      await funding.campaigns.create(owner, {
        ...CAMPAIGN,
        computeGoalMilliseconds: 0n,
        fundingModel: 'tranches',
        tranches: REPORTS,
        approvalsRequired: 2,
        deadline: funding.inDays(30),
        projectId,
        recipeId,
        ...more,
      }),
    );
    got(await funding.campaigns.submit(owner, id));
    got(await funding.campaigns.approve(operator, id));
    return id;
  }

  /** A succeeded campaign of $100.01, its payout account connected by the owner. */
  async succeeded(
    more: Parameters<DisbursementStage['campaign']>[0] = {},
    amounts: readonly bigint[] = [6_000n, 4_001n],
  ) {
    const id = await this.campaign(more);
    for (const [index, amount] of amounts.entries()) {
      await this.funding.give(await this.funding.person(`Backer ${index}`), id, amount);
    }
    await this.connect(id);
    return id;
  }

  async connect(campaignId: string, account: string = BANK.good): Promise<void> {
    const link = got(await this.tranches.connect(this.people.owner, { campaignId, country: 'US' }));
    const answer = await fetch(link.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ account_number: account }),
    });
    if (!answer.ok) throw new Error(await answer.text());
    await this.funding.settle();
  }

  async tranche(campaignId: string, number = 1): Promise<Record<string, unknown> & { id: string; state: string }> {
    const [row] = await this.funding.rows<{ id: string; state: string }>(
      'SELECT * FROM disbursement_tranche WHERE campaign_id = $1 AND number = $2',
      [campaignId, number],
    );
    if (row === undefined) throw new Error(`campaign ${campaignId} has no tranche ${number}`);
    return row;
  }

  states(campaignId: string): Promise<string[]> {
    return this.funding
      .rows<{ state: string }>('SELECT state FROM disbursement_tranche WHERE campaign_id = $1 ORDER BY number', [
        campaignId,
      ])
      .then((rows) => rows.map((row) => row.state));
  }

  /** Evidence by the maintainer, approvals by both reviewers. */
  async approved(campaignId: string, number: number): Promise<string> {
    const { id } = await this.tranche(campaignId, number);
    got(await this.evidence.submit(this.people.maintainer, { trancheId: id, report: REPORT }));
    got(await this.evidence.approve(this.people.first, id, 'The logs bear it out.'));
    got(await this.evidence.approve(this.people.second, id, 'I have run the checkpoint.'));
    return id;
  }

  /** Lets the clock and the bank work until nothing moves. */
  async work(): Promise<void> {
    for (let round = 0; round < 3; round += 1) {
      await this.funding.tick('disbursements.advance');
      await this.funding.settle();
      await new Promise((resolve) => setTimeout(resolve, 60));
      await this.funding.settle();
      const moving = await this.funding.rows(
        "SELECT 1 FROM disbursement_tranche WHERE state IN ('reserved', 'in_transit') LIMIT 1",
      );
      if (round > 0 && moving.length === 0) return;
    }
  }

  /** Credits less debits of one of the campaign's accounts, posted. */
  async holds(
    campaignId: string,
    account: 'escrow' | 'disputeReserve' | 'payoutsPayable' | 'released',
  ): Promise<bigint> {
    const code = campaignChart.of(campaignId, '', 'USD')[account];
    const balance = await this.funding.db.uow.read((tx) => this.funding.ledger.balances(tx, [code]));
    const found = balance.get(code);
    return found === undefined ? 0n : found.creditsPosted - found.debitsPosted;
  }

  /** What a test does at the processor by its API. */
  async sandbox(path: string, fields: Readonly<Record<string, string>>): Promise<void> {
    const answer = await fetch(`${this.funding.sandbox.url}/${path}`, {
      method: 'POST',
      headers: { ...KEY, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(fields),
    });
    if (!answer.ok) throw new Error(await answer.text());
  }

  async sandboxGet<T>(path: string): Promise<T> {
    const answer = await fetch(`${this.funding.sandbox.url}/${path}`, { headers: KEY });
    if (!answer.ok) throw new Error(await answer.text());
    return (await answer.json()) as T;
  }

  /** What only a bank, or bad luck, does at the processor. */
  async control(path: string, body: object): Promise<void> {
    const answer = await fetch(`${this.funding.sandbox.url}/_sandbox/${path}`, {
      method: 'POST',
      headers: { ...KEY, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(await answer.text());
  }

  async file(text: string): Promise<string> {
    const bytes = Buffer.from(text);
    await this.funding.app.get(FileStore, { strict: false }).put(bytes);
    return createHash('sha256').update(bytes).digest('hex');
  }

  events(campaignId: string): Promise<string[]> {
    return this.funding
      .rows<{ type: string }>(
        "SELECT type FROM event_outbox WHERE aggregate_id = $1 AND type LIKE 'disbursement.%' ORDER BY position",
        [campaignId],
      )
      .then((rows) => rows.map((row) => row.type.slice('disbursement.'.length)));
  }

  /** What the invariants of money out find wrong. */
  async violations(): Promise<string[]> {
    const found: string[] = [];
    for (const check of [
      ...disbursementInvariants,
      ...payoutInvariants,
      ...campaignInvariants,
      ...paymentInvariants,
      ...ledgerInvariants,
    ]) {
      const result = await this.funding.db.uow.read((tx) => check.run(tx));
      found.push(...result.violations.map((violation) => `${check.name}: ${violation}`));
    }
    return found;
  }

  close(): Promise<void> {
    return this.funding.close();
  }
}
