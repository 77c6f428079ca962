/** The steps of a campaign that a form can name, each one mutation, and what is said when it was taken. */
import { pledgeRefund } from '../api/documents.js';
import {
  campaignApprove,
  campaignCancel,
  campaignReject,
  campaignResume,
  campaignStartTraining,
  campaignSubmit,
  campaignSuspend,
  campaignUpdate,
  pledgeComputeAccept,
  pledgeComputeDecline,
} from '../api/organise.documents.js';
import { mutate, refusal } from '../api/mutate.js';
import type { UserError } from '../api/shapes.js';
import { parseMoment } from '../format/typed.js';
import type { PageContext } from '../http/request.js';

export const stepDone: Record<string, string> = {
  created: 'Saved as a draft. Only your project sees it.',
  edit: 'The draft is changed.',
  submit: 'Handed to review. An operator or a reviewer who did not write it decides.',
  approve: 'The campaign is live and takes pledges.',
  reject: 'Sent back to its organisers with your reason.',
  accept: 'The offer is accepted. Its machines work as soon as the run needs them.',
  decline: 'The offer is declined. Nothing of it is held.',
  start: 'Training is asked for. Its run appears within seconds.',
  refund: 'The refund is on its way. Banks take a few days to show it.',
  suspend: 'Suspended. It takes no pledges until it is resumed.',
  resume: 'The campaign goes on.',
  cancel: 'Cancelled. Everything captured is being refunded.',
};

/** The reasoned steps, the plain ones and the ones on a pledge differ only in their document. */
const plain: Record<string, string> = {
  submit: campaignSubmit,
  approve: campaignApprove,
  start: campaignStartTraining,
  resume: campaignResume,
};
const reasoned: Record<string, string> = { reject: campaignReject, suspend: campaignSuspend, cancel: campaignCancel };
const onPledge: Record<string, string> = { accept: pledgeComputeAccept, decline: pledgeComputeDecline };

/** Takes the step that the form names; empty when it was taken. The API checks the role. */
export async function takeStep(context: PageContext, campaign: { id: string }): Promise<UserError[]> {
  const text = (name: string) => context.form.get(name)?.trim() ?? '';
  const step = text('do');
  const campaignId = campaign.id;
  const [simple, withReason, pledge] = [plain[step], reasoned[step], onPledge[step]];
  if (simple) return (await mutate(context, simple, { campaignId })).errors;
  if (withReason) return (await mutate(context, withReason, { campaignId, reason: text('reason') })).errors;
  if (pledge) return (await mutate(context, pledge, { pledgeId: text('id') })).errors;
  if (step === 'refund') {
    const reason = text('reason');
    return (await mutate(context, pledgeRefund, { pledgeId: text('id'), ...(reason ? { reason } : {}) })).errors;
  }
  if (step === 'edit') {
    const deadline = parseMoment(text('deadline'));
    if (!deadline) return [refusal('This is no moment.', 'deadline', 'Give a day and a time.')];
    return (
      await mutate(context, campaignUpdate, { campaignId, title: text('title'), summary: text('summary'), deadline })
    ).errors;
  }
  return [refusal('This form is not known here.', undefined, 'Reload the page and try again.')];
}
