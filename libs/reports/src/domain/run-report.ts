/** The run transparency report, definition version 1: a pure function of the public events below a log size. */
import { canonicalJson } from '#kernel';
import { type CitedEvent, record, text, whole } from './cited-event.js';
import {
  computeFacts,
  type ComputeFacts,
  energyFacts,
  type EnergyFacts,
  flopFacts,
  type FlopFacts,
} from './compute-facts.js';
import { type RunSubject, selectEvents } from './event-selection.js';
import { moneyFacts, type MoneyFacts } from './money-facts.js';
import { trainingFacts, type TrainingFacts } from './training-facts.js';

export const RUN_TRANSPARENCY = 'run-transparency';
export const RUN_TRANSPARENCY_VERSION = 1;

export interface RunFacts {
  readonly subject: RunSubject & { readonly title: string; readonly fundingModel: string };
  readonly goal: {
    readonly cashMinor: string | null;
    readonly computeMs: string | null;
    readonly class: string | null;
  };
  readonly money: MoneyFacts;
  readonly compute: ComputeFacts;
  readonly flop: FlopFacts;
  readonly energy: EnergyFacts;
  readonly training: TrainingFacts;
  readonly events: readonly { readonly index: number; readonly at: string; readonly type: string }[];
}

/** Which log, at which size, the report speaks of. */
export interface LogReference {
  readonly origin: string;
  readonly size: number;
  /** base64 */
  readonly rootHash: string;
}

export interface RunReport {
  readonly definition: typeof RUN_TRANSPARENCY;
  readonly definitionVersion: typeof RUN_TRANSPARENCY_VERSION;
  readonly reportId: string;
  readonly slug: string;
  readonly version: number;
  /** The version that this one corrects, with the SHA-256 of its canonical JSON. */
  readonly corrects: { readonly version: number; readonly sha256: string } | null;
  readonly log: LogReference;
  /** When the newest event that it cites happened. */
  readonly lastEventAt: string;
  /** Places in the log of every event it cites. */
  readonly cites: readonly number[];
  readonly facts: RunFacts;
}

export function runFacts(events: readonly CitedEvent[], subject: RunSubject): RunFacts {
  const selected = selectEvents(events, subject);
  const live = selected.find((event) => event.type === 'campaign.live')?.payload ?? {};
  const cash = record(live, 'cashGoal');
  const compute = record(live, 'computeGoal');
  return {
    subject: { ...subject, title: text(live, 'title'), fundingModel: text(live, 'fundingModel') },
    goal: {
      cashMinor: cash['amountMinor'] === undefined ? null : String(whole(cash, 'amountMinor')),
      computeMs: compute['milliseconds'] === undefined ? null : String(whole(compute, 'milliseconds')),
      class: text(compute, 'class') || null,
    },
    money: moneyFacts(selected),
    compute: computeFacts(selected),
    flop: flopFacts(selected),
    energy: energyFacts(selected),
    training: trainingFacts(selected),
    events: selected.map(({ index, at, type }) => ({ index, at, type })),
  };
}

export function runReport(
  input: Pick<RunReport, 'reportId' | 'slug' | 'version' | 'corrects' | 'log'> & {
    readonly subject: RunSubject;
    readonly events: readonly CitedEvent[];
  },
): RunReport {
  const { subject, events, ...header } = input;
  const facts = runFacts(
    events.filter((event) => event.index < input.log.size),
    subject,
  );
  return {
    definition: RUN_TRANSPARENCY,
    definitionVersion: RUN_TRANSPARENCY_VERSION,
    ...header,
    lastEventAt: facts.events.map((event) => event.at).reduce((a, b) => (a > b ? a : b), ''),
    cites: facts.events.map((event) => event.index),
    facts,
  };
}

/** The bytes that are hashed, signed and logged: canonical JSON (RFC 8785). */
export function reportText(report: RunReport): string {
  return canonicalJson(report);
}
