/** Answers about the terms of a campaign, its settlement and its updates. */
import type { GpuTime, Money } from '../format/amount.js';
import type { Connection } from './shapes.js';

export interface StretchGoal {
  number: number;
  title: string;
  unit: string;
  amount: string;
  reachedAt: string | null;
}
export interface Evidence {
  kind: string;
  minTokens?: string | null;
  metric?: string | null;
  threshold?: string | null;
  direction?: string | null;
  quorumBp?: number | null;
  majorityBp?: number | null;
  votingSeconds?: number | null;
  description?: string | null;
}
export interface Tranche {
  number: number;
  title: string;
  shareBp: number;
  budgetKind: string;
  evidence: Evidence;
}
export interface Plan {
  cashOptimum: Money | null;
  hardCap: Money | null;
  stretchGoals: StretchGoal[];
  coverPricePerGpuHour: Money | null;
  surplus: string;
  budgetLines: { kind: string; amount: Money; note: string }[];
  tranches: Tranche[];
  approvalsRequired: number;
  approvers: string[];
  extension: { toleranceBp: number; days: number } | null;
  windows: {
    settlementWindowSeconds: number;
    retryEverySeconds: number;
    safetyWindowSeconds: number;
    reserveDays: { card: number; usBankAccount: number; sepaDebit: number; bankTransfer: number };
  };
}
export interface Settlement {
  round: number;
  cause: string;
  frozenAt: string;
  promised: Money;
  collected: Money;
  judgedAt: string | null;
  verdict: string | null;
  judgedCash: Money | null;
  judgedCompute: GpuTime | null;
}
export interface UpdateVersion {
  version: number;
  title: string;
  paragraphs: string[];
  correction: string | null;
  writtenAt: string;
}
export interface Update extends UpdateVersion {
  id: string;
  number: number;
  audience: string;
  publishedAt: string;
  versions: UpdateVersion[];
}
export interface CampaignRecord {
  id: string;
  fundingModel: string;
  termsVersion: number;
  settlementEndsAt: string | null;
  suspendedFrom: string | null;
  extendedAt: string | null;
  safetyEndsAt: string | null;
  disbursedAt: string | null;
  endedAs: string | null;
  failReason: string | null;
  decisionReason: string | null;
  plan: Plan;
  terms: { sha256: string; createdAt: string } | null;
  viewer: { backs: boolean; consents: boolean | null };
  settlements: Settlement[];
  updates: Connection<Update>;
}
