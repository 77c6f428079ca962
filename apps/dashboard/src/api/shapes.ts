/** The parts of the API's answers that pages and islands read. Every id is opaque, every amount a decimal string. */
import type { GpuTime, Money } from '../format/amount.js';

export interface Connection<T> {
  edges: { node: T }[];
  pageInfo?: { hasNextPage: boolean; endCursor: string | null };
}
export const nodesOf = <T>(connection: Connection<T> | null | undefined): T[] =>
  connection?.edges.map((edge) => edge.node) ?? [];

export interface Person {
  displayName: string;
  pseudonym: string;
}
export interface Progress {
  cashPledged: Money;
  cashCaptured: Money;
  cashRefunded: Money;
  cashDisputed: Money;
  cashFees: Money;
  cashHeld: Money;
  computeOffered: GpuTime;
  computePledged: GpuTime;
  computeReserved: GpuTime;
  computeDelivered: GpuTime;
  computeAccepted: GpuTime;
  cashBackers: number;
  computeBackers: number;
}
export interface Goals {
  cashGoal: Money | null;
  computeGoal: GpuTime | null;
  deadline: string | null;
}
export interface CampaignCard extends Goals {
  id: string;
  slug: string;
  title: string;
  summary: string;
  state: string;
  fundingModel: string;
  project: { name: string } | null;
  progress: Progress;
}
export interface CashPledge {
  id: string;
  amount: Money;
  state: string;
  contributor: Person | null;
  createdAt: string;
}
export interface ComputePledge {
  id: string;
  class: string;
  count: number;
  state: string;
  time: GpuTime;
  delivered: GpuTime;
  accepted: GpuTime;
  contributor: Person | null;
  region: string | null;
}
export interface PublicEvent {
  id: string;
  type: string;
  position: string | number | null;
  occurredAt: string;
  summary: string;
}
export interface ClosingFigure {
  pledges: number;
  amount: Money;
}
/** How the charging of the frozen pledges goes. */
export interface Closing {
  awaited: ClosingFigure;
  frozen: ClosingFigure;
  charging: ClosingFigure;
  collected: ClosingFigure;
  needsAction: ClosingFigure;
  errored: ClosingFigure;
  dropped: ClosingFigure;
}
export interface CampaignLive extends Goals {
  id: string;
  state: string;
  progress: Progress;
  settlementEndsAt: string | null;
  settlements: { cause: string }[];
  settlement: Closing | null;
  pledges: Connection<CashPledge>;
  computePledges: Connection<ComputePledge>;
  events: Connection<PublicEvent>;
}
export interface BudgetLine {
  code: string;
  label: string;
  amount: string;
  unit: string;
  formula: string;
  source: string | null;
}
export interface Budget {
  flop: string;
  peakFlopPerSecond: string;
  mfu: string;
  gpuTime: GpuTime;
  cash: Money | null;
  lines: BudgetLine[];
}
export interface Lease {
  id: string;
  rank: number | null;
  token: string | number;
  state: string;
  grantedAt: string;
  expiresAt: string;
  endedAt: string | null;
  endReason: string | null;
  milliseconds: string | null;
  node: { id: string; name: string } | null;
}
export interface Attempt {
  id: string;
  number: number;
  state: string;
  reason: string | null;
  startedAt: string | null;
  endedAt: string | null;
  restoredFromStep: string | null;
}
export interface Checkpoint {
  id: string;
  step: string;
  tokens: string;
  loss: number | null;
  state: string;
  promotedAt: string | null;
  manifestSha256: string | null;
  files: { path: string; bytes: string; sha256: string; downloadUrl: string | null }[];
}
export interface Usage {
  node: { id: string; name: string } | null;
  contributor: Person | null;
  class: string;
  delivered: GpuTime;
  /** Null until it is settled. */
  accepted: GpuTime | null;
  tokens: string | null;
  energyMicroWh: string | null;
  energyMethod: string | null;
}
export interface RunLive {
  id: string;
  state: string;
  stateReason: string | null;
  waitReason: string | null;
  step: string;
  targetSteps: string;
  tokens: string;
  firstLoss: number | null;
  lastLoss: number | null;
  flopModel: string | null;
  flopHardware: string | null;
  createdAt: string;
  startedAt: string | null;
  endedAt: string | null;
  lossCurve: { step: string; loss: number; attempt: number }[];
  attempts: Attempt[];
  leases: Connection<Lease>;
  checkpoints: Connection<Checkpoint>;
  usage: Usage[];
  events: Connection<PublicEvent>;
}
export interface LedgerAccount {
  id: string;
  code: string;
  unit: string;
  limit: string;
  debitsPending: string;
  debitsPosted: string;
  creditsPending: string;
  creditsPosted: string;
}
export interface LedgerTransfer {
  id: string;
  kind: string;
  state: string;
  amount: string;
  unit: string;
  reason: string;
  createdAt: string;
  position: string | number | null;
  debitAccount: { code: string };
  creditAccount: { code: string };
}
export interface ReportVersion {
  version: number;
  logSize: string;
  sha256: string;
  publishedAt: string;
  downloads: { format: string; url: string; bytes: string; sha256: string }[];
}
export interface Report extends ReportVersion {
  id: string;
  slug: string;
  title: string;
  definition: string;
  /** The version that this one corrects. */
  supersedes: number | null;
  campaign: { slug: string; title: string } | null;
  run: { id: string } | null;
  versions?: (ReportVersion & { correctsVersion: number | null })[];
}
export interface UserError {
  code: string;
  message: string;
  /** What was found, where the message alone does not tell. */
  detail?: string | null;
  hint: string | null;
  path: string[] | null;
}
