/** The steps of a donor that a form of `/account/giving` can name, each one mutation, and what is said when it was taken. */
import {
  pledgeCancel,
  pledgeCashApply,
  pledgeComputeWithdraw,
  pledgePlanStop,
  pledgeRefund,
  unappliedCashRefund,
} from '../api/documents.js';
import { pledgeNameSet, savedMethodRemove } from '../api/giving.documents.js';
import { mutate, refusal } from '../api/mutate.js';
import type { UserError } from '../api/shapes.js';
import type { PageContext } from '../http/request.js';

interface Step {
  document: string;
  input: (form: URLSearchParams, id: string) => object;
  done: string;
}

const steps: Record<string, Step> = {
  refund: {
    document: pledgeRefund,
    input: (_, pledgeId) => ({ pledgeId }),
    done: 'The refund is on its way. Banks take a few days to show it.',
  },
  cancel: {
    document: pledgeCancel,
    input: (_, pledgeId) => ({ pledgeId }),
    done: 'The pledge is withdrawn. Nothing was charged.',
  },
  withdraw: {
    document: pledgeComputeWithdraw,
    input: (_, pledgeId) => ({ pledgeId }),
    done: 'What was not delivered is yours again. What was delivered stays with the campaign.',
  },
  apply: {
    document: pledgeCashApply,
    input: (_, pledgeId) => ({ pledgeId, idempotencyKey: crypto.randomUUID() }),
    done: 'Your money pays this pledge now.',
  },
  'cash-back': {
    document: unappliedCashRefund,
    input: (_, currency) => ({ currency }),
    done: 'It is on its way back to the bank that it came from.',
  },
  'stop-plan': {
    document: pledgePlanStop,
    input: (_, planId) => ({ planId }),
    done: 'The monthly pledge is stopped. What was charged stays given.',
  },
  'remove-method': {
    document: savedMethodRemove,
    input: (_, methodId) => ({ methodId }),
    done: 'It is removed and can’t be charged any more.',
  },
  name: {
    document: pledgeNameSet,
    input: (form, pledgeId) => {
      const displayName = form.get('displayName')?.trim();
      return { pledgeId, anonymous: form.get('anonymous') === 'yes', ...(displayName ? { displayName } : {}) };
    },
    done: 'The pledge is shown that way from now on.',
  },
};

export const givingDone = (step: string | null): string | undefined => steps[step ?? '']?.done;

export async function takeGivingStep(context: PageContext): Promise<UserError[]> {
  const { form } = context;
  const step = steps[form.get('do') ?? ''];
  if (!step) return [refusal('This form is not known here.', undefined, 'Reload the page and try again.')];
  return (await mutate(context, step.document, step.input(form, form.get('id') ?? ''))).errors;
}
