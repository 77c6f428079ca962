/** What organisers, operators and treasurers ask and change; held against `schema.graphql` like `documents.ts`. */
import { campaignPlan } from './plan.fragment.js';

const money = '{ amountMinor currency }';
const time = '{ milliseconds class }';
const person = '{ displayName pseudonym }';
const errors = 'userErrors { code message detail hint path }';
const budget = `{ flop peakFlopPerSecond mfu gpuTime ${time} cash ${money} lines { code label amount unit formula source } }`;
const recipe = 'id name workload parameters tokens gpuClass minWorkers maxWorkers dataset { name licence }';
const line = `id slug title state createdAt deadline cashGoal ${money} computeGoal ${time} project { id name viewerRoles }`;

/** Drafts and campaigns in review are asked for by state, so that no number of newer campaigns hides them. */
export const organiseQuery = `query Organise {
  viewer { platformRoles contributor { id displayName } projects { id name slug viewerRoles organisation { name } } }
  drafts: campaigns(first: 100, state: DRAFT) { edges { node { ${line} } } }
  rejected: campaigns(first: 100, state: REJECTED) { edges { node { ${line} } } }
  inReview: campaigns(first: 100, state: IN_REVIEW) { edges { node { ${line} } } }
  newest: campaigns(first: 100) { edges { node { ${line} } } }
}`;
export const projectsQuery = `query MyProjects {
  viewer { platformRoles projects { id name viewerRoles } }
}`;
export const projectCreate = `mutation ProjectCreate($input: ProjectCreateInput!) {
  projectCreate(input: $input) { project { id name } ${errors} }
}`;
export const projectMemberSet = `mutation ProjectMemberSet($input: ProjectMemberSetInput!) {
  projectMemberSet(input: $input) { project { id name } ${errors} }
}`;

export const datasetRegister = `mutation DatasetRegister($input: DatasetRegisterInput!) {
  datasetRegister(input: $input) { dataset { id name } ${errors} }
}`;
export const recipeFormQuery = `query RecipeForm {
  datasets(first: 100) { edges { node { id name licence bytes } } }
  acceleratorClasses { class label }
}`;
export const recipeRegister = `mutation RecipeRegister($input: RecipeRegisterInput!) {
  recipeRegister(input: $input) { recipe { id name } ${errors} }
}`;

export const recipesQuery = `query Recipes { recipes(first: 100) { edges { node { ${recipe} } } } }`;
export const computeBudgetQuery = `query Budget($input: ComputeBudgetInput!) { computeBudget(input: $input) ${budget} }`;
export const campaignCreate = `mutation CampaignCreate($input: CampaignCreateInput!) {
  campaignCreate(input: $input) { campaign { id slug } ${errors} }
}`;

export const keepQuery = `query Keep($slug: String!) {
  viewer { platformRoles contributor { pseudonym } }
  campaignBySlug(slug: $slug) {
    ${line} summary decisionReason autoAcceptCompute fundingModel termsVersion ${campaignPlan} recipe { ${recipe} } budget ${budget}
    pledges(first: 100) { edges { node { id amount ${money} state createdAt contributor ${person} } } }
    computePledges(first: 100) { edges { node {
      id class count state region availability time ${time} delivered ${time} accepted ${time} contributor ${person}
    } } }
  }
}`;
export const reviewQuery = `query Review {
  viewer { platformRoles contributor { pseudonym } }
  campaigns(first: 50, state: IN_REVIEW) {
    edges { node { ${line} summary fundingModel ${campaignPlan} recipe { ${recipe} } budget ${budget} } } pageInfo { hasNextPage endCursor }
  }
}`;

const step = (name: string, type: string, input: string) =>
  `mutation ${type}($input: ${input}!) { ${name}(input: $input) { campaign { id state } ${errors} } }`;
export const campaignUpdate = step('campaignUpdate', 'CampaignUpdate', 'CampaignUpdateInput');
export const campaignSubmit = step('campaignSubmit', 'CampaignSubmit', 'CampaignStepInput');
export const campaignApprove = step('campaignApprove', 'CampaignApprove', 'CampaignStepInput');
export const campaignReject = step('campaignReject', 'CampaignReject', 'CampaignReasonInput');
export const campaignStartTraining = step('campaignStartTraining', 'CampaignStart', 'CampaignStepInput');
export const campaignCancel = step('campaignCancel', 'CampaignCancel', 'CampaignReasonInput');
export const campaignSuspend = step('campaignSuspend', 'CampaignSuspend', 'CampaignReasonInput');
export const campaignResume = step('campaignResume', 'CampaignResume', 'CampaignStepInput');

export const pledgeComputeAccept = `mutation ComputeAccept($input: PledgeStepInput!) {
  pledgeComputeAccept(input: $input) { pledge { id state } ${errors} }
}`;
export const pledgeComputeDecline = `mutation ComputeDecline($input: PledgeStepInput!) {
  pledgeComputeDecline(input: $input) { pledge { id state } ${errors} }
}`;
export const reportPublish = `mutation ReportPublish($input: ReportPublishInput!) {
  reportPublish(input: $input) { report { id } userErrors { code message detail hint path } }
}`;
