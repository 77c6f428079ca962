/** What the browser tests need from the API: to sign in, to ask, and a campaign that takes pledges. */
import { dashboardUrl } from './browser.js';

export async function ask<T>(query: string, variables: object = {}, token?: string): Promise<T> {
  const response = await fetch(`${dashboardUrl}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as { data?: T; errors?: { message: string }[] };
  if (!data || errors) throw new Error(errors?.map((error) => error.message).join('; ') ?? `HTTP ${response.status}`);
  return data;
}

/** Runs a mutation and gives its payload; a refusal fails the test with its words. */
export async function mutate<T>(name: string, input: object, selection: string, token?: string, inputType?: string) {
  const type = inputType ?? `${name.charAt(0).toUpperCase()}${name.slice(1)}Input`;
  const data = await ask<Record<string, T & { userErrors: { message: string }[] }>>(
    `mutation ($input: ${type}!) { ${name}(input: $input) { ${selection} userErrors { message } } }`,
    { input },
    token,
  );
  const payload = data[name];
  if (!payload || payload.userErrors.length > 0)
    throw new Error(`${name}: ${payload?.userErrors.map((error) => error.message).join('; ')}`);
  return payload;
}

export async function signIn(name: string, platformRole?: 'OPERATOR'): Promise<string> {
  const input = { name, email: `${name.toLowerCase().replace(/\W+/g, '.')}@browser.test.invalid` };
  const { token } = await mutate<{ token: string }>(
    'developerSignIn',
    platformRole ? { ...input, platformRole } : input,
    'token',
  );
  return token;
}

export interface OpenCampaign {
  readonly id: string;
  readonly slug: string;
  readonly title: string;
}

/** A live campaign of its own, so that the tests depend on no other and change no other's books. */
export async function openCampaign(title: string, terms: object = {}): Promise<OpenCampaign> {
  const organiser = await signIn('Browser Organiser');
  const { project } = await mutate<{ project: { id: string } }>(
    'projectCreate',
    { name: `Browser ${Date.now()}` },
    'project { id }',
    organiser,
  );
  const { dataset } = await mutate<{ dataset: { id: string } }>(
    'datasetRegister',
    {
      name: 'Two sentences',
      licence: 'CC0-1.0',
      source: 'https://example.org/two-sentences.txt',
      sha256: 'ab'.repeat(32),
      bytes: '120',
      tokens: '120',
    },
    'dataset { id }',
    organiser,
  );
  const { recipe } = await mutate<{ recipe: { id: string } }>(
    'recipeRegister',
    {
      projectId: project.id,
      name: 'Browser recipe',
      workload: 'tiny-lm',
      driver: 'process',
      hyperparameters: { steps: 10 },
      datasetId: dataset.id,
      gpuClass: 'cpu',
      parameters: '412160',
      tokens: '6144000',
      minWorkers: 2,
      maxWorkers: 3,
      checkpointEverySteps: 5,
    },
    'recipe { id }',
    organiser,
  );
  const { campaign } = await mutate<{ campaign: { id: string } }>(
    'campaignCreate',
    {
      projectId: project.id,
      recipeId: recipe.id,
      title,
      summary: 'Made by the browser tests, to be pledged to.',
      fundingModel: 'KEEP_IT_ALL',
      cashGoalMinor: '100000000',
      currency: 'USD',
      computeGoalMilliseconds: '360000000000',
      computeClass: 'cpu',
      deadline: new Date(Date.now() + 20 * 86_400_000).toISOString(),
      ...terms,
    },
    'campaign { id }',
    organiser,
  );
  const step = { campaignId: campaign.id };
  await mutate('campaignSubmit', step, 'campaign { id }', organiser, 'CampaignStepInput');
  const operator = await signIn('Browser Operator', 'OPERATOR');
  const approved = await mutate<{ campaign: OpenCampaign }>(
    'campaignApprove',
    step,
    'campaign { id slug title }',
    operator,
    'CampaignStepInput',
  );
  return approved.campaign;
}

interface ToConfirm {
  readonly clientSecret: string;
  readonly savesMethod: boolean;
  readonly publishableKey: string;
  readonly apiBase: string;
}

/** Pledges and pays, or saves the card, as the browser of a donor would. */
export async function payByCard(
  campaign: OpenCampaign,
  amountMinor: string,
  donor: string,
  card = '4242 4242 4242 4242',
): Promise<void> {
  const pledge = { campaignId: campaign.id, amountMinor, currency: 'USD', idempotencyKey: crypto.randomUUID() };
  const selection = 'payment { clientSecret savesMethod publishableKey apiBase }';
  const { payment } = await mutate<{ payment: ToConfirm }>('pledgeCashCreate', pledge, selection, donor);
  const kind = payment.savesMethod ? 'setup_intents' : 'payment_intents';
  const intent = payment.clientSecret.split('_secret')[0];
  const response = await fetch(new URL(`/v1/${kind}/${intent}/confirm`, payment.apiBase), {
    method: 'POST',
    headers: {
      authorization: `Bearer ${payment.publishableKey}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams({
      client_secret: payment.clientSecret,
      return_url: dashboardUrl ?? '',
      'payment_method_data[type]': 'card',
      'payment_method_data[card][number]': card.replaceAll(' ', ''),
      'payment_method_data[card][exp_month]': '12',
      'payment_method_data[card][exp_year]': '2040',
      'payment_method_data[card][cvc]': '123',
    }),
  });
  if (!response.ok) throw new Error(await response.text());
}
