import { Injectable } from '@nestjs/common';
import { type PayoutAccount, PayoutAccounts, type PayoutAttempt, Payouts } from '#payments';
import { type Tx, UnitOfWork } from '#platform';
import { DisbursementBooks } from './disbursement.books.js';
import type { Funds } from './domain/tranche-amount.rule.js';
import { type PlanRow, type TrancheRow, findPlan, tranchesOf } from './store/disbursement.store.js';
import {
  type ApprovalRow,
  type EvidenceRow,
  approvalsOf,
  ballotsOf,
  evidenceOf,
  isBacker,
} from './store/evidence.store.js';
import { type SizingRow, lastSizings } from './store/reserve.store.js';

export interface EvidencePage extends EvidenceRow {
  /** Votes cast so far; null where nothing is voted on. */
  readonly cast: number | null;
  readonly approvals: readonly ApprovalRow[];
}
export interface TranchePage extends TrancheRow {
  readonly evidence: readonly EvidencePage[];
  readonly attempts: readonly PayoutAttempt[];
}
export interface CurrencyFunds extends Funds {
  readonly currency: string;
  readonly payableMinor: bigint;
  readonly feesMinor: bigint;
}
export interface DisbursementPage {
  readonly plan: PlanRow;
  readonly safetyEndsAt: Date | null;
  readonly campaignState: string;
  readonly tranches: readonly TranchePage[];
  readonly funds: readonly CurrencyFunds[];
  readonly reserves: readonly SizingRow[];
  readonly account: PayoutAccount | undefined;
}

/** Reads of plans, for everybody. */
@Injectable()
export class DisbursementQueries {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly books: DisbursementBooks,
    private readonly payouts: Payouts,
    private readonly accounts: PayoutAccounts,
  ) {}

  /** Where the money of a campaign stands; undefined before it has succeeded. */
  page(campaignId: string): Promise<DisbursementPage | undefined> {
    return this.uow.read(async (tx) => {
      const plan = await findPlan(tx, campaignId);
      if (plan === undefined) return undefined;
      const [campaign] = await tx.query<{ state: string; safetyEndsAt: Date | null }>(
        'SELECT state, safety_ends_at AS "safetyEndsAt" FROM campaign WHERE id = $1',
        [campaignId],
      );
      return {
        plan,
        safetyEndsAt: campaign?.safetyEndsAt ?? null,
        campaignState: campaign?.state ?? '',
        tranches: await this.#tranches(tx, campaignId),
        funds: await this.#funds(tx, plan),
        reserves: await lastSizings(tx, campaignId),
        account: await this.accounts.find(tx, plan.projectId),
      };
    });
  }

  account(projectId: string): Promise<PayoutAccount | undefined> {
    return this.uow.read((tx) => this.accounts.find(tx, projectId));
  }

  /** The campaign of a tranche; undefined when there is no such tranche. */
  async campaignOf(trancheId: string): Promise<string | undefined> {
    const [row] = await this.uow.read((tx) =>
      tx.query<{ id: string }>('SELECT campaign_id AS id FROM disbursement_tranche WHERE id = $1', [trancheId]),
    );
    return row?.id;
  }

  /** Whether this person may vote on what is being voted on in this campaign, and has not yet. */
  mayVote(campaignId: string, contributorId: string): Promise<boolean> {
    return this.uow.read(async (tx) => {
      if (!(await isBacker(tx, campaignId, contributorId))) return false;
      const [row] = await tx.query(
        `SELECT 1 FROM disbursement_tranche t JOIN disbursement_evidence e ON e.id = t.evidence_id
          WHERE t.campaign_id = $1 AND e.outcome = 'voting' AND e.closes_at > $3
            AND NOT EXISTS (SELECT 1 FROM disbursement_ballot b WHERE b.evidence_id = e.id AND b.contributor_id = $2)`,
        [campaignId, contributorId, tx.now],
      );
      return row !== undefined;
    });
  }

  async #tranches(tx: Tx, campaignId: string): Promise<TranchePage[]> {
    const tranches = await tranchesOf(tx, campaignId);
    const evidence = await evidenceOf(
      tx,
      tranches.map(({ id }) => id),
    );
    const approvals = await approvalsOf(
      tx,
      evidence.map(({ id }) => id),
    );
    const attempts = await this.payouts.attempts(
      tx,
      tranches.flatMap(({ payoutId }) => payoutId ?? []),
    );
    const counted = await Promise.all(evidence.map((one) => this.#withVotes(tx, one)));
    return tranches.map((tranche) => ({
      ...tranche,
      attempts: attempts.filter(({ payoutId }) => payoutId === tranche.payoutId),
      evidence: counted
        .filter(({ trancheId }) => trancheId === tranche.id)
        .map((one) => ({ ...one, approvals: approvals.filter(({ evidenceId }) => evidenceId === one.id) })),
    }));
  }

  /** While a vote is open, how many have voted is told and not how. */
  async #withVotes(tx: Tx, evidence: EvidenceRow): Promise<EvidenceRow & { readonly cast: number | null }> {
    if (evidence.closesAt === null) return { ...evidence, cast: null };
    const { yes, no } = await ballotsOf(tx, evidence.id);
    return { ...evidence, cast: yes + no };
  }

  async #funds(tx: Tx, plan: PlanRow): Promise<CurrencyFunds[]> {
    const currencies = [...(await this.books.exposures(tx, plan)).keys()];
    const rows: CurrencyFunds[] = [];
    for (const currency of currencies) {
      const funds = await this.books.funds(tx, plan.campaignId, currency);
      const payableMinor = await this.books.onItsWayMinor(tx, plan.campaignId, currency);
      const feesMinor = await this.books.feesBorneMinor(tx, plan.campaignId, currency);
      rows.push({ ...funds, currency, payableMinor, feesMinor });
    }
    return rows;
  }
}
