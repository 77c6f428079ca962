import { Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { projectRoles, requireProjectRole } from '#identity';
import { type Outcome, type Refused, isRefused, isUuid, newId } from '#kernel';
import { PayoutAccounts } from '#payments';
import { FileStore, type Tx, UnitOfWork, type Viewer } from '#platform';
import { type DisbursementRefusal, refuseDisbursement } from './disbursement.refusal.js';
import { disbursementEvent } from './domain/disbursement-event.rule.js';
import { isDecimal, reachesThreshold } from './domain/evidence.rule.js';
import { type PlanRow, type TrancheRow, lockTranche } from './store/disbursement.store.js';
import {
  type EvidenceFile,
  type NewEvidence,
  approvalsOf,
  backersOf,
  findEvidence,
  insertApproval,
  insertBallot,
  insertEvidence,
  isBacker,
  isCheckpointUsed,
  judgeEvidence,
  promotedCheckpoint,
} from './store/evidence.store.js';
import { TrancheSteps, about } from './tranche.steps.js';
import { BackersVotes } from './backers-votes.js';

type SignedIn = Viewer & { kind: 'contributor' };

export interface EvidenceInput {
  readonly trancheId: string;
  readonly report?: string | null | undefined;
  readonly checkpointId?: string | null | undefined;
  /** Evaluation: decimal text. */
  readonly value?: string | null | undefined;
  readonly files?: readonly { readonly name: string; readonly sha256: string }[] | null | undefined;
}

const FILES_MAX = 20;
const REPORT_MAX = 20_000;
const REPORT_MIN = 20;
const VOTING_SECONDS = 7 * 86_400;

/** Evidence for tranches: submitted, voted on, approved or rejected. Each answers the tranche's id, or why not. */
@Injectable()
export class EvidenceCommands {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly files: FileStore,
    private readonly accounts: PayoutAccounts,
    private readonly steps: TrancheSteps,
    private readonly votes: BackersVotes,
  ) {}

  /** Maintainers and treasurers of the project submit what the tranche's terms ask for. */
  async submit(viewer: SignedIn, input: EvidenceInput): Promise<Outcome<string>> {
    const files = await this.#filesOf(input);
    if (isRefused(files)) return files;
    return this.#on(input.trancheId, 'disbursements.submit-evidence', async (tx, plan, tranche) => {
      const denied = await requireProjectRole(tx, viewer, plan.projectId, ['maintainer', 'treasurer']);
      if (denied) return denied;
      const id = newId();
      const report = input.report?.trim() ?? '';
      if (report.length > REPORT_MAX)
        return no('DISBURSEMENT_TEXT_INVALID', 'report', `Got ${report.length} characters.`);
      const whose = { id, trancheId: tranche.id, submittedBy: viewer.contributorId, pseudonym: viewer.pseudonym };
      const particulars = await this.#particulars(tx, tranche, input, { report, files });
      if (isRefused(particulars)) return particulars;
      // The step first: a tranche that takes no evidence now gets none.
      const payload = publicEvidence({ ...whose, ...particulars, report, files });
      const taken = await this.steps.take(
        tx,
        tranche,
        'submit_evidence',
        { type: 'evidence_submitted', payload },
        { evidenceId: id },
      );
      if (taken !== undefined) return taken;
      await insertEvidence(tx, { ...whose, ...particulars, report, files });
      if (particulars.kind === 'vote') return;
      const approved = await this.steps.approveIfEnough(tx, plan, {
        ...tranche,
        state: 'evidence_submitted',
        evidenceId: id,
      });
      return isRefused(approved) ? approved : undefined;
    });
  }

  /** An approver's yes. The m-th of them approves the tranche. */
  approve(viewer: SignedIn, trancheId: string, reason: string): Promise<Outcome<string>> {
    return this.#judge(viewer, trancheId, reason, true);
  }

  /** An approver's no sends the tranche back to wait for better evidence. */
  reject(viewer: SignedIn, trancheId: string, reason: string): Promise<Outcome<string>> {
    return this.#judge(viewer, trancheId, reason, false);
  }

  /** A backer's vote. It stands. */
  vote(viewer: SignedIn, trancheId: string, inFavour: boolean): Promise<Outcome<string>> {
    return this.#on(trancheId, 'disbursements.vote', async (tx, plan, tranche) => {
      const evidence = tranche.evidenceId === null ? undefined : await findEvidence(tx, tranche.evidenceId);
      if (evidence?.outcome !== 'voting' || evidence.closesAt === null || evidence.closesAt <= tx.now) {
        return refuseDisbursement('DISBURSEMENT_VOTE_CLOSED', ['input', 'trancheId']);
      }
      if (!(await isBacker(tx, plan.campaignId, viewer.contributorId))) {
        return refuseDisbursement('DISBURSEMENT_NOT_A_BACKER', ['input', 'trancheId']);
      }
      if (!(await insertBallot(tx, evidence.id, viewer.contributorId, inFavour))) {
        return refuseDisbursement('DISBURSEMENT_VOTED_ALREADY', ['input', 'trancheId']);
      }
      return this.votes.decide(tx, plan, tranche, evidence);
    });
  }

  #judge(viewer: SignedIn, trancheId: string, text: string, approves: boolean): Promise<Outcome<string>> {
    const reason = text.trim();
    return this.#on(trancheId, `disbursements.${approves ? 'approve' : 'reject'}`, async (tx, plan, tranche) => {
      if (reason.length < 3 || reason.length > 500)
        return no('DISBURSEMENT_TEXT_INVALID', 'reason', `Got ${reason.length} characters.`);
      const denied = await this.#mayJudge(tx, viewer, plan);
      if (denied) return denied;
      const evidence = tranche.evidenceId === null ? undefined : await findEvidence(tx, tranche.evidenceId);
      if (tranche.state !== 'evidence_submitted' || evidence === undefined)
        return no('DISBURSEMENT_STATE_INVALID', 'trancheId', `It is ${tranche.state}.`);
      if (evidence.submittedBy === viewer.contributorId) return no('DISBURSEMENT_OWN_EVIDENCE', 'trancheId');
      if (evidence.outcome === 'voting') return no('DISBURSEMENT_VOTE_OPEN', 'trancheId');
      const before = await approvalsOf(tx, [evidence.id]);
      if (before.some((approval) => approval.contributorId === viewer.contributorId))
        return no('DISBURSEMENT_APPROVED_ALREADY', 'trancheId');
      const { contributorId, pseudonym } = viewer;
      await insertApproval(tx, { id: newId(), evidenceId: evidence.id, contributorId, pseudonym, approves, reason });
      const payload = { ...about(tranche), evidenceId: evidence.id, approver: pseudonym, reason };
      if (!approves) {
        await judgeEvidence(tx, evidence.id, 'rejected');
        return this.steps.take(tx, tranche, 'reject', { type: 'evidence_rejected', payload }, { evidenceId: null });
      }
      const counted = { approvals: before.filter((one) => one.approves).length + 1, required: plan.approvalsRequired };
      tx.emit(disbursementEvent('approval_given', plan.campaignId, { ...payload, ...counted }));
      const approved = await this.steps.approveIfEnough(tx, plan, tranche);
      return isRefused(approved) ? approved : undefined;
    });
  }

  async #mayJudge(tx: Tx, viewer: SignedIn, plan: PlanRow): Promise<Refused | undefined> {
    const roles = await projectRoles(tx, viewer.contributorId, plan.projectId);
    const isNamed =
      plan.approvers.length > 0
        ? plan.approvers.includes(viewer.pseudonym)
        : roles.has('reviewer') || roles.has('treasurer') || roles.has('owner');
    if (!isNamed) return no('DISBURSEMENT_APPROVER_REQUIRED', 'trancheId');
    const account = await this.accounts.find(tx, plan.projectId);
    if (account?.payeeContributorId === viewer.contributorId) return no('DISBURSEMENT_OWN_PAYOUT', 'trancheId');
    return undefined;
  }

  async #particulars(
    tx: Tx,
    tranche: TrancheRow,
    input: EvidenceInput,
    given: { report: string; files: readonly EvidenceFile[] },
  ): Promise<Outcome<Omit<NewEvidence, 'id' | 'trancheId' | 'submittedBy' | 'pseudonym' | 'report' | 'files'>>> {
    const terms = tranche.evidenceTerms;
    switch (tranche.evidenceKind) {
      case 'none':
        return no('DISBURSEMENT_EVIDENCE_INVALID', 'trancheId', 'This tranche needs none; it waits for its time.');
      case 'checkpoint':
        return this.#checkpoint(tx, tranche, input.checkpointId ?? '');
      case 'evaluation': {
        const value = input.value?.trim() ?? '';
        if (!isDecimal(value)) return no('DISBURSEMENT_EVIDENCE_INVALID', 'value', 'A decimal number is missing.');
        if (given.files.length === 0)
          return no('DISBURSEMENT_EVIDENCE_INVALID', 'files', 'The file of the evaluation is missing.');
        if (!reachesThreshold(terms, value))
          return no(
            'DISBURSEMENT_EVIDENCE_BELOW_TERMS',
            'value',
            `${terms.metric ?? 'The metric'} is ${value}, agreed is ${terms.threshold}.`,
          );
        return { kind: 'evaluation', value };
      }
      case 'milestone_report':
        return given.report.length < REPORT_MIN
          ? no('DISBURSEMENT_TEXT_INVALID', 'report', `Got ${given.report.length} characters.`)
          : { kind: 'milestone_report' };
      case 'vote': {
        const electorate = await backersOf(tx, tranche.campaignId);
        if (electorate === 0) return no('DISBURSEMENT_NO_ELECTORATE', 'trancheId');
        const closesAt = new Date(tx.now.getTime() + (terms.votingSeconds ?? VOTING_SECONDS) * 1000);
        return { kind: 'vote', electorate, closesAt };
      }
    }
  }

  async #checkpoint(tx: Tx, tranche: TrancheRow, checkpointId: string) {
    const promoted = isUuid(checkpointId) ? await promotedCheckpoint(tx, tranche.campaignId, checkpointId) : undefined;
    if (promoted === undefined) return no('DISBURSEMENT_CHECKPOINT_UNKNOWN', 'checkpointId');
    if (await isCheckpointUsed(tx, tranche, checkpointId)) return no('DISBURSEMENT_EVIDENCE_USED', 'checkpointId');
    const { minTokens } = tranche.evidenceTerms;
    if (minTokens !== undefined && promoted.tokens < BigInt(minTokens))
      return no(
        'DISBURSEMENT_EVIDENCE_BELOW_TERMS',
        'checkpointId',
        `It saw ${promoted.tokens} tokens, agreed are ${minTokens}.`,
      );
    return { kind: 'checkpoint' as const, checkpointId, ...promoted };
  }

  /** Files by the digest of their bytes: what is named must be there. */
  async #filesOf(input: EvidenceInput): Promise<Outcome<EvidenceFile[]>> {
    const given = input.files ?? [];
    if (given.length > FILES_MAX) return no('DISBURSEMENT_EVIDENCE_INVALID', 'files', `At most ${FILES_MAX} files.`);
    const found: EvidenceFile[] = [];
    for (const { name, sha256 } of given) {
      const bytes = await this.files.size(sha256);
      if (bytes === undefined) return no('DISBURSEMENT_FILE_MISSING', 'files', sha256.slice(0, 80));
      if (name.trim() === '' || name.length > 200 || /[\p{Cc}/\\]/u.test(name))
        return no('DISBURSEMENT_EVIDENCE_INVALID', 'files', 'A file name has 1 to 200 characters and no slashes.');
      found.push({ name: name.trim(), sha256, bytes: String(bytes) });
    }
    return found;
  }

  #on(
    trancheId: string,
    name: string,
    body: (tx: Tx, plan: PlanRow, tranche: TrancheRow) => Promise<Outcome<void>>,
  ): Promise<Outcome<string>> {
    return this.uow.run(name, async (tx) => {
      const held = isUuid(trancheId) ? await lockTranche(tx, trancheId) : undefined;
      if (held === undefined) return refuseDisbursement('DISBURSEMENT_TRANCHE_NOT_FOUND', ['input', 'trancheId']);
      const done = await body(tx, held.plan, held.tranche);
      return isRefused(done) ? done : trancheId;
    });
  }
}

const no = (code: DisbursementRefusal, field: string, detail?: string): Refused =>
  refuseDisbursement(code, ['input', field], detail);

/** A report may name people, and the record can't forget it: the public event carries its digest only. */
const publicEvidence = (e: NewEvidence) => ({
  evidenceId: e.id,
  kind: e.kind,
  by: e.pseudonym,
  reportSha256: createHash('sha256').update(e.report).digest('hex'),
  files: e.files.map(({ sha256, bytes }) => ({ sha256, bytes })),
  ...(e.checkpointId == null
    ? {}
    : { checkpointId: e.checkpointId, runId: e.runId, tokens: String(e.tokens), manifestSha256: e.manifestSha256 }),
  ...(e.value == null ? {} : { value: e.value }),
  ...(e.closesAt == null ? {} : { votingEndsAt: e.closesAt.toISOString(), electorate: e.electorate }),
});
