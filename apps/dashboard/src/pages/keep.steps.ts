/** The steps of a campaign that a form can name, each one mutation, and what is said when it was taken. */
import { campaignAmend, campaignRevise } from '../api/campaign.documents.js';
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
  reportPublish,
} from '../api/organise.documents.js';
import { mutate, refusal } from '../api/mutate.js';
import type { Goals, UserError } from '../api/shapes.js';
import { parseHours, parseMoney } from '../format/parse.js';
import { parseMoment } from '../format/typed.js';
import type { PageContext } from '../http/request.js';
import { atControls, readPlan } from './plan.input.js';

export const stepDone: Record<string, string> = {
  created: 'Saved as a draft. Only your project sees it.',
  edit: 'The draft is changed.',
  submit: 'Handed to review. An operator or a reviewer who did not write it decides.',
  approve: 'The campaign is live and takes pledges.',
  reject: 'Refused with your reason. Its organisers may revise it.',
  revise: 'It is a draft again.',
  amend: 'Changed, as a new version of its terms.',
  accept: 'The offer is accepted. Its machines work as soon as the run needs them.',
  decline: 'The offer is declined. Nothing of it is held.',
  start: 'Training is asked for. Its run appears within seconds.',
  refund: 'The refund is on its way. Banks take a few days to show it.',
  publish: 'The next version of the report is published, signed, and in the list of reports.',
  suspend: 'Suspended. It takes no pledges until it is resumed.',
  resume: 'The campaign goes on.',
  cancel: 'Cancelled. Everything captured is being refunded.',
};

/** The reasoned steps, the plain ones and the ones on a pledge differ only in their document. */
const plain: Record<string, string> = {
  submit: campaignSubmit,
  approve: campaignApprove,
  revise: campaignRevise,
  start: campaignStartTraining,
  resume: campaignResume,
  publish: reportPublish,
};
const reasoned: Record<string, string> = { reject: campaignReject, suspend: campaignSuspend, cancel: campaignCancel };
const onPledge: Record<string, string> = { accept: pledgeComputeAccept, decline: pledgeComputeDecline };

/** Takes the step that the form names; empty when it was taken. The API checks the role. */
export async function takeStep(context: PageContext, campaign: Partial<Goals> & { id: string }): Promise<UserError[]> {
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
  if (step === 'edit') return edit(context, campaign);
  if (step === 'amend') return amend(context, campaign);
  return [refusal('This form is not known here.', undefined, 'Reload the page and try again.')];
}

/** Everything about a draft that its form shows. */
async function edit(context: PageContext, campaign: Partial<Goals> & { id: string }): Promise<UserError[]> {
  const { form } = context;
  const text = (name: string) => form.get(name)?.trim() ?? '';
  const currency = campaign.cashGoal?.currency ?? 'USD';
  const plan = readPlan(form, currency);
  const [deadline, cash, hours] = [
    parseMoment(text('deadline')),
    parseMoney(text('cashGoalMinor'), currency),
    parseHours(text('computeGoalMilliseconds')),
  ];
  const errors = [
    ...plan.errors,
    !deadline && refusal('This is no moment.', 'deadline', 'Give a day and a time.'),
    text('cashGoalMinor') !== '' && cash === null && refusal('This is no amount.', 'cashGoalMinor', 'Such as 2500.'),
    text('computeGoalMilliseconds') !== '' &&
      hours === null &&
      refusal('These are no hours.', 'computeGoalMilliseconds', 'Such as 8 or 0.5.'),
  ].filter((error) => error !== false);
  if (errors.length > 0) return errors;
  const { errors: refused } = await mutate(context, campaignUpdate, {
    ...plan.input,
    campaignId: campaign.id,
    title: text('title'),
    summary: text('summary'),
    deadline,
    cashGoalMinor: (cash ?? 0n).toString(),
    computeGoalMilliseconds: (hours ?? 0n).toString(),
  });
  return atControls(refused, form);
}

/** What may still change of a live campaign. */
async function amend(context: PageContext, campaign: Partial<Goals> & { id: string }): Promise<UserError[]> {
  const text = (name: string) => context.form.get(name)?.trim() ?? '';
  const isTime = text('stretch-unit') === 'COMPUTE';
  const currency = campaign.cashGoal?.currency ?? 'USD';
  const amount = isTime ? parseHours(text('amount')) : parseMoney(text('amount'), currency);
  const adds = text('goal') !== '' || text('amount') !== '';
  if (adds && amount === null)
    return [refusal('This is no amount.', 'amount', isTime ? 'Give hours.' : 'Give an amount such as 2500.')];
  const goal = { title: text('goal'), unit: isTime ? 'COMPUTE' : 'CASH', amount: String(amount) };
  const { errors } = await mutate(context, campaignAmend, {
    campaignId: campaign.id,
    title: text('title'),
    summary: text('summary'),
    ...(adds ? { addStretchGoals: [goal] } : {}),
  });
  // The new goal's title has a name of its own here: another title stands in the same form.
  return errors.map((error) =>
    error.code === 'CAMPAIGN_STRETCH_INVALID' && error.path?.at(-1) === 'title'
      ? { ...error, path: ['input', 'goal'] }
      : error,
  );
}
