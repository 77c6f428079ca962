import { Args, Mutation, Resolver } from '@nestjs/graphql';
import { isRefused, type Outcome } from '#kernel';
import { Access, CurrentViewer, fromGlobalId, toUserErrors, type Viewer } from '#platform';
import { Corrections } from '../corrections.js';
import type { CorrectionRow } from '../store/correction.store.js';
import {
  ReconciliationCorrection,
  ReconciliationCorrectionApproveInput,
  ReconciliationCorrectionPayload,
  ReconciliationCorrectionProposeInput,
  ReconciliationCorrectionRejectInput,
  ReconciliationCorrectionWithdrawInput,
} from './correction.type.js';
import { toCorrection } from './reconciliation.mapper.js';

type SignedIn = Viewer & { kind: 'contributor' };

@Resolver(() => ReconciliationCorrection)
export class CorrectionResolver {
  constructor(private readonly corrections: Corrections) {}

  @Access({ platformRole: 'operator' })
  @Mutation(() => ReconciliationCorrectionPayload, {
    description: 'Proposes the transfer that takes away a difference. It is posted on the word of another operator.',
  })
  async reconciliationCorrectionPropose(
    @CurrentViewer() viewer: SignedIn,
    @Args({ name: 'input', description: 'The transfer.' }) input: ReconciliationCorrectionProposeInput,
  ): Promise<ReconciliationCorrectionPayload> {
    const caseId = fromGlobalId('ReconciliationCase', input.caseId, ['input', 'caseId']);
    if (isRefused(caseId)) return payload(caseId);
    const { debit, credit, amountMinor, reason } = input;
    return payload(await this.corrections.propose(viewer, { caseId, debit, credit, amountMinor, reason }));
  }

  @Access({ platformRole: 'operator' })
  @Mutation(() => ReconciliationCorrectionPayload, {
    description: 'Posts a correction that another operator proposed, and closes its case.',
  })
  async reconciliationCorrectionApprove(
    @CurrentViewer() viewer: SignedIn,
    @Args({ name: 'input', description: 'The correction.' }) input: ReconciliationCorrectionApproveInput,
  ): Promise<ReconciliationCorrectionPayload> {
    const id = correctionId(input);
    return payload(isRefused(id) ? id : await this.corrections.approve(viewer, id));
  }

  @Access({ platformRole: 'operator' })
  @Mutation(() => ReconciliationCorrectionPayload, {
    description: 'Turns down a correction that another operator proposed.',
  })
  async reconciliationCorrectionReject(
    @CurrentViewer() viewer: SignedIn,
    @Args({ name: 'input', description: 'The correction and why.' }) input: ReconciliationCorrectionRejectInput,
  ): Promise<ReconciliationCorrectionPayload> {
    const id = correctionId(input);
    return payload(isRefused(id) ? id : await this.corrections.reject(viewer, id, input.note));
  }

  @Access({ platformRole: 'operator' })
  @Mutation(() => ReconciliationCorrectionPayload, { description: "Takes the caller's own correction back." })
  async reconciliationCorrectionWithdraw(
    @CurrentViewer() viewer: SignedIn,
    @Args({ name: 'input', description: 'The correction and why.' }) input: ReconciliationCorrectionWithdrawInput,
  ): Promise<ReconciliationCorrectionPayload> {
    const id = correctionId(input);
    return payload(isRefused(id) ? id : await this.corrections.withdraw(viewer, id, input.note));
  }
}

const correctionId = (input: { correctionId: string }): Outcome<string> =>
  fromGlobalId('ReconciliationCorrection', input.correctionId, ['input', 'correctionId']);

function payload(outcome: Outcome<CorrectionRow>): ReconciliationCorrectionPayload {
  if (isRefused(outcome)) return { correction: null, userErrors: toUserErrors(outcome) };
  return { correction: toCorrection(outcome), userErrors: [] };
}
