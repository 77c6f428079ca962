import type Stripe from 'stripe';
import { invalidRequest, resourceMissing } from './api.error.js';
import { moveBalance, retrieveCharge } from './charge.resource.js';
import type { Params } from './form.codec.js';
import { allowOnly, metadataOf, optionalFlag, optionalGroup, optionalText } from './params.reader.js';
import { endMandate } from './mandate.resource.js';
import { DISPUTE_FEE_MINOR } from './processing-fee.rule.js';
import { idOf, type SandboxWorld } from './sandbox.world.js';

/**
 * needs_response --evidence--> under_review --> won | lost; --close, or no answer in time--> lost.
 * warning_needs_response --evidence--> warning_under_review --> warning_closed; --escalated--> needs_response.
 * lost --reinstated by the bank--> won.
 * A bank debit that is returned is lost when it opens.
 *
 * The money, and a fee of $15, leaves when the dispute opens. A win brings back the amount and not the fee.
 * An inquiry (warning_*) moves nothing until it is escalated. A charge can have several disputes, for parts of it.
 */
const RESPONSE_DAYS = 9;
/** An inquiry that goes nowhere is closed by then. */
const INQUIRY_DAYS = 120;
const EVIDENCE_FIELDS = [
  'access_activity_log',
  'billing_address',
  'cancellation_policy',
  'cancellation_policy_disclosure',
  'cancellation_rebuttal',
  'customer_communication',
  'customer_email_address',
  'customer_name',
  'customer_purchase_ip',
  'customer_signature',
  'duplicate_charge_documentation',
  'duplicate_charge_explanation',
  'duplicate_charge_id',
  'product_description',
  'receipt',
  'refund_policy',
  'refund_policy_disclosure',
  'refund_refusal_explanation',
  'service_date',
  'service_documentation',
  'shipping_address',
  'shipping_carrier',
  'shipping_date',
  'shipping_documentation',
  'shipping_tracking_number',
  'uncategorized_file',
  'uncategorized_text',
] as const;

export interface DisputeTerms {
  readonly reason: string;
  readonly inquiry: boolean;
  /** Less than the charge for a partial dispute. */
  readonly amountMinor?: number | undefined;
}

/** Opens a dispute, unless nothing is left to dispute. */
export function openDispute(world: SandboxWorld, chargeId: string, terms: DisputeTerms): Stripe.Dispute | undefined {
  const charge = retrieveCharge(world, chargeId, 'charge');
  const before = world.book.children<Stripe.Dispute>(charge.id, 'dispute');
  const contested = before
    .filter((dispute) => !['won', 'warning_closed', 'prevented'].includes(dispute.status))
    .reduce((sum, dispute) => sum + dispute.amount, 0);
  const rail = charge.payment_method_details?.type ?? 'card';
  const isReturn = isDebit(rail);
  // A card refund leaves nothing to dispute; a bank takes a debit back whether or not it was refunded.
  const left = charge.amount_captured - (isReturn ? 0 : charge.amount_refunded) - contested;
  if (left <= 0 || !charge.paid) return undefined;
  const id = world.book.newId('du');
  const amount = Math.min(left, terms.amountMinor ?? left);
  const inquiry = terms.inquiry && !isReturn;
  const movements = inquiry ? [] : [withdraw(world, id, charge, amount)];
  const dispute: Stripe.Dispute = {
    id,
    object: 'dispute',
    amount,
    balance_transactions: movements,
    charge: charge.id,
    created: world.book.nowSeconds,
    currency: charge.currency,
    enhanced_eligibility_types: [],
    evidence: {
      ...(Object.fromEntries(EVIDENCE_FIELDS.map((field) => [field, null])) as Record<
        (typeof EVIDENCE_FIELDS)[number],
        null
      >),
      enhanced_evidence: {},
    },
    evidence_details: {
      due_by: isReturn ? null : world.book.nowSeconds + RESPONSE_DAYS * 86_400,
      enhanced_eligibility: {},
      has_evidence: false,
      past_due: false,
      submission_count: 0,
      submission_method: 'manual' as Stripe.Dispute.EvidenceDetails['submission_method'],
    },
    intended_submission_method: null,
    is_charge_refundable: inquiry,
    livemode: false,
    metadata: {},
    payment_intent: idOf(charge.payment_intent),
    payment_method_details: disputedBy(charge, terms),
    reason: terms.reason,
    status: isReturn ? 'lost' : inquiry ? 'warning_needs_response' : 'needs_response',
  };
  world.book.add(dispute, { parent: charge.id });
  world.book.save({ ...charge, disputed: true });
  world.emit('charge.dispute.created', dispute);
  if (!inquiry) world.emit('charge.dispute.funds_withdrawn', dispute);
  if (isReturn) {
    world.emit('charge.dispute.closed', dispute);
    if (typeof charge.payment_method === 'string') endMandate(world, charge.payment_method);
    return dispute;
  }
  world.book.startTimer('dispute_overdue', id, (inquiry ? INQUIRY_DAYS : RESPONSE_DAYS) * 86_400_000);
  return dispute;
}

/** A debit that its bank takes back is lost when the dispute opens, and the account's mandate with it. */
function isDebit(rail: string): boolean {
  return rail === 'us_bank_account' || rail === 'sepa_debit';
}

function disputedBy(charge: Stripe.Charge, terms: DisputeTerms): Stripe.Dispute.PaymentMethodDetails {
  const details = charge.payment_method_details;
  if (details !== null && isDebit(details.type)) {
    return { type: details.type } as unknown as Stripe.Dispute.PaymentMethodDetails;
  }
  return {
    card: {
      brand: details?.card?.brand ?? 'visa',
      case_type: terms.inquiry ? 'inquiry' : 'chargeback',
      network: details?.card?.network ?? 'visa',
      network_reason_code: terms.reason === 'product_not_received' ? '13.1' : '10.4',
    } as Stripe.Dispute.PaymentMethodDetails.Card,
    type: 'card',
  };
}

/** Timer: nobody answered in time. */
export function endOverdueDispute(world: SandboxWorld, id: string): void {
  const dispute = retrieveDispute(world, id);
  if (dispute.status === 'needs_response') end(world, dispute, 'lost');
  if (isInquiry(dispute) && dispute.status !== 'warning_closed') end(world, dispute, 'warning_closed');
}

/** The bank turns an inquiry into a chargeback: now the money leaves. */
export function escalateInquiry(world: SandboxWorld, id: string): Stripe.Dispute {
  const dispute = retrieveDispute(world, id);
  refuseClosed(dispute);
  if (!isInquiry(dispute)) throw invalidRequest('This dispute is not an inquiry.', { param: 'dispute' });
  const charge = retrieveCharge(world, idOf(dispute.charge) ?? '', 'charge');
  const escalated = world.book.save<Stripe.Dispute>({
    ...dispute,
    balance_transactions: [withdraw(world, id, charge, dispute.amount)],
    evidence_details: { ...dispute.evidence_details, due_by: world.book.nowSeconds + RESPONSE_DAYS * 86_400 },
    is_charge_refundable: false,
    status: 'needs_response',
  });
  world.emit('charge.dispute.updated', escalated, { status: dispute.status });
  world.emit('charge.dispute.funds_withdrawn', escalated);
  world.book.startTimer('dispute_overdue', id, RESPONSE_DAYS * 86_400_000);
  return escalated;
}

/** What only a bank can do: decide now, also against an earlier decision. */
export function ruleOnDispute(world: SandboxWorld, id: string, outcome: 'won' | 'lost'): Stripe.Dispute {
  const dispute = retrieveDispute(world, id);
  if (isInquiry(dispute)) {
    refuseClosed(dispute);
    return end(world, dispute, 'warning_closed');
  }
  if (outcome === 'won' && dispute.status !== 'won') return reinstate(world, dispute);
  refuseClosed(dispute);
  return end(world, dispute, 'lost');
}

function withdraw(world: SandboxWorld, id: string, charge: Stripe.Charge, amount: number): Stripe.BalanceTransaction {
  return moveBalance(world, {
    type: 'adjustment',
    category: 'dispute',
    amount: -amount,
    fee: DISPUTE_FEE_MINOR,
    feeDescription: 'Dispute fee',
    source: id,
    currency: charge.currency,
    description: `Chargeback withdrawal for ${charge.id}`,
    delayMs: 0,
  });
}

export function retrieveDispute(world: SandboxWorld, id: string): Stripe.Dispute {
  const found = world.book.find<Stripe.Dispute>('dispute', id);
  if (found === undefined) throw resourceMissing('dispute', id, 'dispute');
  return found;
}

/** Evidence, as in test mode: the text decides. Evidence is submitted unless `submit=false`. */
export function updateDispute(world: SandboxWorld, id: string, params: Params): Stripe.Dispute {
  allowOnly(params, ['evidence', 'submit', 'metadata']);
  const dispute = retrieveDispute(world, id);
  const given = optionalGroup(params, 'evidence');
  if (given !== undefined) {
    allowOnly(given, EVIDENCE_FIELDS);
    refuseClosed(dispute);
  }
  const evidence = { ...dispute.evidence };
  for (const field of EVIDENCE_FIELDS) {
    const text = given === undefined ? undefined : optionalText(given, field);
    if (text !== undefined) evidence[field] = text;
  }
  const submits = given !== undefined && optionalFlag(params, 'submit') !== false;
  const updated = world.book.save<Stripe.Dispute>({
    ...dispute,
    evidence,
    metadata: { ...dispute.metadata, ...metadataOf(params) },
    evidence_details: {
      ...dispute.evidence_details,
      has_evidence: dispute.evidence_details.has_evidence || given !== undefined,
      submission_count: dispute.evidence_details.submission_count + (submits ? 1 : 0),
    },
    status: submits ? (isInquiry(dispute) ? 'warning_under_review' : 'under_review') : dispute.status,
  });
  world.emit('charge.dispute.updated', updated, { status: dispute.status });
  if (submits) world.book.startTimer('decide_dispute', id, world.timing.outcomeDelayMs);
  return updated;
}

/** The merchant accepts the loss. */
export function closeDispute(world: SandboxWorld, id: string, params: Params): Stripe.Dispute {
  allowOnly(params, []);
  const dispute = retrieveDispute(world, id);
  refuseClosed(dispute);
  return end(world, dispute, isInquiry(dispute) ? 'warning_closed' : 'lost');
}

/**
 * The bank decides on submitted evidence: `winning_evidence` wins, `escalate_inquiry_evidence` makes a chargeback of
 * an inquiry, anything else loses.
 */
export function decideDispute(world: SandboxWorld, id: string): void {
  const dispute = retrieveDispute(world, id);
  const text = dispute.evidence.uncategorized_text ?? '';
  if (dispute.status === 'warning_under_review') {
    if (text.includes('escalate_inquiry_evidence')) escalateInquiry(world, id);
    else end(world, dispute, 'warning_closed');
    return;
  }
  if (dispute.status !== 'under_review') return;
  if (text.includes('winning_evidence')) reinstate(world, dispute);
  else end(world, dispute, 'lost');
}

function reinstate(world: SandboxWorld, dispute: Stripe.Dispute): Stripe.Dispute {
  const back = moveBalance(world, {
    type: 'adjustment',
    category: 'dispute_reversal',
    amount: dispute.amount,
    fee: 0,
    source: dispute.id,
    currency: dispute.currency,
    description: `Chargeback reversal for ${idOf(dispute.charge)}`,
    delayMs: 0,
  });
  const won = end(
    world,
    { ...dispute, is_charge_refundable: true, balance_transactions: [...dispute.balance_transactions, back] },
    'won',
    dispute.status,
  );
  world.emit('charge.dispute.funds_reinstated', won);
  return won;
}

function end(
  world: SandboxWorld,
  dispute: Stripe.Dispute,
  status: Stripe.Dispute.Status,
  before: Stripe.Dispute.Status = dispute.status,
): Stripe.Dispute {
  const ended = world.book.save<Stripe.Dispute>({ ...dispute, status });
  // A decision that is turned round is told as an update; closed it was before.
  world.emit(before === 'lost' ? 'charge.dispute.updated' : 'charge.dispute.closed', ended, { status: before });
  return ended;
}

function isInquiry(dispute: Stripe.Dispute): boolean {
  return dispute.status.startsWith('warning_');
}

function refuseClosed(dispute: Stripe.Dispute): void {
  if (!['won', 'lost', 'warning_closed', 'prevented'].includes(dispute.status)) return;
  throw invalidRequest('This dispute is already closed.', { code: 'dispute_already_closed', param: 'dispute' });
}
