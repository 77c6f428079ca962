// Closes a campaign of saved cards, and then gives everything back, while API and worker are killed with SIGKILL.
//   npm run chaos -- --close 2000 --kills 20 [--seed 7]
//
// 1. An all-or-nothing campaign and its pledges, each with a card of its own saved at the sandbox, are made by the
//    product's commands. One card in fifty is declined when it is charged. The goal is what all others give.
// 2. The deadline passes. While the worker charges, API and worker are killed in turn at random moments.
// 3. Counted by the processor's own list of charges: no pledge is charged twice, none that was charged is missing here,
//    none with a good card is left out; the campaign was judged at no less than its goal.
// 4. The campaign is cancelled, and while everything is given back the same is killed again: every charge is given back
//    once, in full. The audit is clean after each part.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { got } from '../integration/funding.material.ts';
import {
  ChaosDatabase,
  Hands,
  type Installation,
  type Person,
  audit,
  inParallel,
  install,
  openPlace,
  pause,
  secondsSince,
} from './chaos.stage.ts';
import { DatabaseCpu } from './cpu.ts';
import { confirm, everything } from './processor.ts';
import { generator } from './webhook.plan.ts';

const CARD = { good: '4242424242424242', declinesWhenCharged: '4000000000000341' };
const BAD_ONE_IN = 50;
const AMOUNT_MINOR = 1_000n;
/** Each donor makes so many of the pledges, and saves a card for every one. */
const PLEDGES_EACH = 10;
const PREPARED_AT_ONCE = 96;
const PATIENCE_MS = 120 * 60_000;

const { values } = parseArgs({
  options: {
    close: { type: 'string', default: '500' },
    kills: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
  },
});
const pledges = Number(values.close);
const kills = Number(values.kills);
const chance = generator(Number(values.seed));
const place = openPlace();
const print = (line: string): void => void process.stdout.write(`${line}\n`);
print(
  `chaos: a close of ${pledges} pledges, ${kills} kills in the close and as many in the refund, seed ${values.seed}`,
);

interface Charge {
  readonly id: string;
  readonly status: string;
  readonly amount: number;
  readonly amount_refunded: number;
  readonly metadata: Record<string, string>;
}

const bad = Math.ceil(pledges / BAD_ONE_IN);
const goalMinor = BigInt(pledges - bad) * AMOUNT_MINOR;
const findings: string[] = [];
const spent = { worker: 0, api: 0, database: 0, sandbox: 0 };
const demand = (holds: boolean, what: string): void => void (holds || findings.push(what));

/** How long charging this many may take; what is declined is tried again within. */
const windowSeconds = 45 + Math.ceil(pledges / 200);
const home = join(place.folder, 'home');
const database = await ChaosDatabase.fresh(`${place.prefix}_close`);
const stage = await install(home, database.url);
await stage.start();
const hands = await Hands.open(database.url, stage.sandboxUrl, home);
const databaseCpu = new DatabaseCpu(database.name);
try {
  const { campaignId, owner } = await prepare();
  await closeIt(campaignId);
  await giveBack(campaignId, owner);
} finally {
  await hands.close();
  await stage.stop();
  if (findings.length === 0) await database.drop();
}
print(findings.length === 0 ? 'nothing lost, nothing twice' : `FAILED:\n${findings.join('\n')}`);
process.exitCode = findings.length === 0 ? 0 : 1;
process.exit();

async function prepare(): Promise<{ campaignId: string; owner: Person }> {
  const started = Date.now();
  const owner = await hands.person('Ishmael');
  const donors = await hands.people(Math.ceil(pledges / PLEDGES_EACH));
  const campaignId = await hands.liveCampaign(owner, {
    fundingModel: 'all_or_nothing',
    cashGoalMinor: goalMinor,
    // Declined cards are tried again until the window is over.
    windows: {
      settlementWindowSeconds: windowSeconds,
      retryEverySeconds: Math.ceil(windowSeconds / 3),
      safetyWindowSeconds: 86_400,
    },
  });
  await inParallel(pledges, PREPARED_AT_ONCE, async (n) => {
    const donor = donors[n % donors.length];
    if (donor === undefined) throw new Error('no donor');
    const secret = await hands.pledge(donor, campaignId, AMOUNT_MINOR);
    await confirm(stage.sandboxUrl, secret, n % BAD_ONE_IN === 0 ? CARD.declinesWhenCharged : CARD.good);
  });
  await until('every card is saved', async () => (await inState('pledged')) === pledges);
  print(
    `prepared: ${pledges} pledges of ${donors.length} donors with saved cards (${bad} will be declined), ${secondsSince(started)} s; ${used()}`,
  );
  return { campaignId, owner };
}

async function closeIt(campaignId: string): Promise<void> {
  const started = Date.now();
  await database.rows('UPDATE campaign SET deadline = now() WHERE id = $1', [campaignId]);
  const killed = killing(stage, () => isIn(campaignId, 'live', 'settling'));
  await until('every good card is charged', async () => {
    demand(!(await succeededBelowGoal(campaignId)), 'the campaign had succeeded below its goal');
    return (await inState('collected')) === pledges - bad || !(await isIn(campaignId, 'live', 'settling'));
  });
  const charged = secondsSince(started);
  const chargedWith = used();
  await until('the campaign is judged', async () => !(await isIn(campaignId, 'live', 'settling')));
  const ended = await killed;
  const charges = (await everything<Charge>(stage.sandboxUrl, 'charges')).filter((each) => each.status === 'succeeded');
  const perPayment = new Set(charges.map((charge) => charge.metadata['reference'] ?? charge.id));
  const double = charges.length - perPayment.size;
  const lost = pledges - bad - charges.length;
  demand(double === 0, `${double} pledges were charged twice`);
  demand(lost === 0, `${lost} pledges were not charged`);
  const collected = await inState('collected');
  demand(collected === charges.length, `${charges.length} charges, ${collected} pledges collected`);
  demand((await inState('dropped')) === bad, 'not every declined pledge was dropped');
  demand(await isIn(campaignId, 'succeeded'), 'the campaign has not succeeded');
  demand(!(await succeededBelowGoal(campaignId)), 'the campaign succeeded below its goal');
  print(
    `close: good cards charged after ${charged} s, judged after ${secondsSince(started)} s, ${ended}; ${charges.length} charges at the processor, ${double} double, ${lost} lost`,
  );
  await followed();
  print(`  charging used ${chargedWith}; what followed, ${secondsSince(started)} s after the deadline, ${used()}`);
  await audited('close');
}

async function giveBack(campaignId: string, owner: Person): Promise<void> {
  const started = Date.now();
  got(await hands.campaigns.cancel(owner, campaignId, 'The cluster burned down.'));
  const killed = killing(stage, () => isIn(campaignId, 'cancelled', 'refunding'));
  await until('everything is given back', async () => isIn(campaignId, 'refunded'));
  const took = secondsSince(started);
  const usedThen = used();
  const ended = await killed;
  const charges = (await everything<Charge>(stage.sandboxUrl, 'charges')).filter((each) => each.status === 'succeeded');
  const refunds = await everything<{ id: string; status: string; charge: string }>(stage.sandboxUrl, 'refunds');
  const paid = refunds.filter((refund) => refund.status === 'succeeded');
  const double = paid.length - new Set(paid.map((refund) => refund.charge)).size;
  const short = charges.filter((charge) => charge.amount_refunded !== charge.amount).length;
  demand(double === 0, `${double} charges were given back twice`);
  demand(short === 0, `${short} charges were not given back in full`);
  const refunded = await inState('refunded');
  demand(refunded === charges.length, `${charges.length} charges, ${refunded} pledges refunded`);
  print(`refund: ${took} s, ${ended}; ${paid.length} refunds at the processor, ${double} double, ${short} short`);
  await followed();
  print(`  giving back used ${usedThen}; what followed, ${secondsSince(started)} s after the beginning, ${used()}`);
  await audited('refund');
}

async function audited(part: string): Promise<void> {
  const text = await audit(database.url);
  demand(text === '', `audit after the ${part}:\n${text}`);
  if (text === '') print(`audit after the ${part}: clean`);
}

function inState(state: string): Promise<number> {
  return database.count('FROM cash_pledge WHERE state = $1', [state]);
}

async function isIn(campaignId: string, ...states: string[]): Promise<boolean> {
  return (await database.count('FROM campaign WHERE id = $1 AND state = ANY($2)', [campaignId, states])) === 1;
}

async function succeededBelowGoal(campaignId: string): Promise<boolean> {
  const below = await database.count(
    `FROM campaign c WHERE c.id = $1 AND c.state = 'succeeded'
       AND (SELECT coalesce(sum(collected_minor), 0) FROM cash_pledge WHERE campaign_id = c.id) < c.cash_goal_minor`,
    [campaignId],
  );
  const judged = await database.count(
    `FROM campaign_settlement s JOIN campaign c ON c.id = s.campaign_id
      WHERE c.id = $1 AND s.verdict = 'succeeded' AND s.judged_cash_minor < c.cash_goal_minor`,
    [campaignId],
  );
  return below + judged > 0;
}

/** @returns what was killed, in words */
async function killing({ api, worker }: Installation, open: () => Promise<boolean>): Promise<string> {
  const before = { api: api.kills, worker: worker.kills };
  for (let n = 0; n < kills; n += 1) {
    await pause((300 + chance() * 2_500) * Math.max(1, pledges / 4_000));
    if (!(await open())) break;
    // The worker does the work, so it dies more often.
    await (chance() < 0.25 ? api : worker).kill();
  }
  return `${api.kills + worker.kills - before.api - before.worker} kills (api ${api.kills - before.api}, worker ${worker.kills - before.worker})`;
}

/** Receipts, reserves, messages: everything that listens has heard of everything. */
function followed(): Promise<void> {
  return until('every event is told', async () => {
    const waiting = await database.count(
      `FROM (SELECT FROM event_outbox WHERE position IS NULL UNION ALL
             SELECT FROM event_delivery WHERE state = 'waiting') AS left_over`,
    );
    return waiting === 0;
  });
}

/** @returns CPU time since the last call, a pledge, in words: ours, and the sandbox's apart. */
function used(): string {
  const now = {
    worker: stage.worker.cpuMs,
    api: stage.api.cpuMs,
    database: databaseCpu.ms(),
    sandbox: stage.sandbox.cpuMs,
  };
  const of = (name: keyof typeof now): string => ((now[name] - spent[name]) / pledges).toFixed(2);
  const text = `CPU ms a pledge: worker ${of('worker')}, API ${of('api')}, PostgreSQL ${of('database')}; sandbox ${of('sandbox')}`;
  Object.assign(spent, now);
  return text;
}

async function until(what: string, done: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await done())) {
    if (Date.now() > deadline) throw new Error(`not within ${PATIENCE_MS / 60_000} minutes: ${what} (${place.folder})`);
    await pause(250);
  }
}
