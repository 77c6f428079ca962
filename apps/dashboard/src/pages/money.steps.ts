/** The steps of money that a form can name, each one mutation, and what is said when it was taken. */
import {
  accountConnect,
  accountRefresh,
  evidenceSubmit,
  exchangeMake,
  exchangePreview,
  trancheApprove,
  trancheCancel,
  trancheHold,
  trancheHoldLift,
  trancheReject,
  trancheRetry,
  trancheVote,
} from '../api/disbursement.documents.js';
import { mutate, refusal } from '../api/mutate.js';
import type { UserError } from '../api/shapes.js';
import { parseMoney } from '../format/parse.js';
import type { PageContext } from '../http/request.js';
import type { ExchangeOffer } from '../parts/exchange-form.js';

export const stepDone: Record<string, string> = {
  evidence: 'The evidence is submitted. Its approvers decide.',
  approve: 'Your approval is on record.',
  reject: 'Sent back with your reason.',
  vote: 'Your vote counts. It stands.',
  hold: 'Held. No money leaves until the hold is lifted.',
  lift: 'The tranche goes on.',
  cancel: 'Given up. Its money stays for the backers.',
  retry: 'It is tried again.',
  refresh: 'The account is up to date.',
  exchange: 'It is exchanged, and stands in escrow in the currency of the payouts.',
};

const reasoned: Record<string, string> = {
  approve: trancheApprove,
  reject: trancheReject,
  hold: trancheHold,
  lift: trancheHoldLift,
  cancel: trancheCancel,
};

interface Taken {
  errors: UserError[];
  /** Where the person goes on: the payment processor asks there for the rest. */
  location?: string;
  /** What an exchange would give, to be agreed to. */
  offer?: ExchangeOffer | null;
}

/** Takes the step that the form names. The API checks the role. */
export async function takeMoneyStep(context: PageContext, campaignId: string): Promise<Taken> {
  const { form } = context;
  const text = (name: string) => form.get(name)?.trim() ?? '';
  const step = text('do');
  const trancheId = text('id');
  const document = reasoned[step];
  if (document) return mutate(context, document, { trancheId, reason: text('reason') });
  if (step === 'retry') return mutate(context, trancheRetry, { trancheId });
  if (step === 'vote') return mutate(context, trancheVote, { trancheId, inFavour: text('vote') === 'yes' });
  if (step === 'evidence') return submitEvidence(context, trancheId);
  if (step === 'refresh') return mutate(context, accountRefresh, { campaignId });
  if (step === 'exchange-preview') return previewExchange(context, campaignId);
  if (step === 'exchange') {
    const input = {
      campaignId,
      currency: text('currency'),
      amountMinor: text('amountMinor'),
      idempotencyKey: text('key'),
    };
    return mutate(context, exchangeMake, input);
  }
  if (step === 'connect') {
    const input = { campaignId, country: text('country') };
    const { payload, errors } = await mutate<{ onboardingUrl: string | null }>(context, accountConnect, input);
    return payload?.onboardingUrl ? { errors, location: payload.onboardingUrl } : { errors };
  }
  return { errors: [refusal('This form is not known here.', undefined, 'Reload the page and try again.')] };
}

async function previewExchange(context: PageContext, campaignId: string): Promise<Taken> {
  const currency = context.form.get('currency') ?? '';
  const amountMinor = parseMoney(context.form.get('amount') ?? '', currency);
  if (amountMinor === null)
    return { errors: [refusal('That is no amount.', 'amount', `Give it in ${currency}, for example 1250.00.`)] };
  const { payload, errors } = await mutate<{ exchange: ExchangeOffer | null }>(context, exchangePreview, {
    campaignId,
    currency,
    amountMinor: String(amountMinor),
  });
  return { errors, offer: payload?.exchange ?? null };
}

async function submitEvidence(context: PageContext, trancheId: string): Promise<Taken> {
  const text = (name: string) => context.form.get(name)?.trim() ?? '';
  const files = text('files')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => /^([0-9a-f]{64})\s+(.+)$/.exec(line));
  if (files.some((file) => file === null)) {
    return {
      errors: [refusal('A line is no file.', 'files', 'Give the SHA-256 and a name, as sha256sum prints them.')],
    };
  }
  return mutate(context, evidenceSubmit, {
    trancheId,
    ...(text('report') ? { report: text('report') } : {}),
    ...(text('checkpointId') ? { checkpointId: text('checkpointId') } : {}),
    ...(text('value') ? { value: text('value') } : {}),
    ...(files.length > 0 ? { files: files.map((file) => ({ sha256: file?.[1], name: file?.[2] })) } : {}),
  });
}
