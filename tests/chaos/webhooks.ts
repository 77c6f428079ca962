// Webhooks in every disorder, to API and worker as real processes that are killed with SIGKILL again and again.
//   npm run chaos -- --webhooks 10000 --kills 20 --seeds 2 [--first-seed 1]
//
// 1. Payments are made by the product's commands and paid, refunded and disputed at the sandbox, until about so many
//    events have happened of which none was delivered.
// 2. Calm: copies of that database and of that sandbox file (so that ids agree), each event delivered once, in order,
//    nobody killed.
// 3. For each seed: fresh copies; every event five times, all deliveries shuffled; a tenth of the events never delivered
//    and found by the back-fill; a twentieth of the payments written only after their events have come; API and worker
//    killed in turn at random moments.
// 4. The ledger root (see webhook.plan.ts) of each run must be that of the calm one, and the audit clean.
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  ChaosDatabase,
  Hands,
  type Installation,
  audit,
  inParallel,
  install,
  openPlace,
  pause,
  secondsSince,
} from './chaos.stage.ts';
import { confirm, control, everything, stripe } from './processor.ts';
import {
  ageEvents,
  commitPayments,
  forgetComparison,
  generator,
  ledgerRoot,
  planDeliveries,
  quietSweep,
  withholdPayments,
} from './webhook.plan.ts';

const CARD = { good: '4242424242424242', dispute: '4000000000000259' };
/** One in twelve is refunded in full, one in part, and two are disputed. On average so many events each. */
const EVENTS_A_PAYMENT = 4.5;
const DONORS = 40;
/** A run that stands still for so long has failed. */
const PATIENCE_MS = 30 * 60_000;

const { values } = parseArgs({
  options: {
    webhooks: { type: 'string', default: '2000' },
    kills: { type: 'string', default: '10' },
    seeds: { type: 'string', default: '1' },
    'first-seed': { type: 'string', default: '1' },
  },
});
const wanted = Number(values.webhooks);
const kills = Number(values.kills);
const seeds = Array.from({ length: Number(values.seeds) }, (_, n) => n + Number(values['first-seed']));
const place = openPlace();
const print = (line: string): void => void process.stdout.write(`${line}\n`);
print(`chaos: ${wanted} webhooks, ${kills} kills, seeds ${seeds.join(', ')}`);

const databases: ChaosDatabase[] = [];
let failures = 0;
try {
  const prepared = await prepare();
  const calm = await run('calm', undefined);
  print(`calm: root ${calm.root} over ${calm.transfers} transfers, ${calm.seconds} s, ${verdict(calm.findings)}`);
  if (calm.findings !== '') failures += 1;
  for (const seed of seeds) {
    const disturbed = await run(`seed${seed}`, seed);
    const same = disturbed.root === calm.root && disturbed.transfers === calm.transfers;
    if (!same || disturbed.findings !== '') failures += 1;
    print(
      `seed ${seed}: ${disturbed.about}, ${disturbed.seconds} s; root ${same ? 'the same' : `ANOTHER: ${disturbed.root} over ${disturbed.transfers} transfers`}, ${verdict(disturbed.findings)}`,
    );
  }
  print(`${prepared} events, ${seeds.length} seeds, ${failures} failures`);
} finally {
  for (const database of failures === 0 ? databases : []) await database.drop().catch(() => undefined);
}
process.exitCode = failures === 0 ? 0 : 1;
process.exit();

function verdict(findings: string): string {
  return findings === '' ? 'audit clean' : `AUDIT FAILED:\n${findings}`;
}

/** @returns how many events there are */
async function prepare(): Promise<number> {
  const started = Date.now();
  const home = join(place.folder, 'prepared');
  const database = await ChaosDatabase.fresh(`${place.prefix}_prepared`);
  databases.push(database);
  const { sandbox, sandboxUrl } = await install(home, database.url);
  await sandbox.start();
  const hands = await Hands.open(database.url, sandboxUrl, home);
  const owner = await hands.person('Ishmael');
  const donors = await hands.people(DONORS);
  const campaignId = await hands.liveCampaign(owner, { fundingModel: 'keep_it_all', cashGoalMinor: 10n ** 12n });
  const payments = Math.max(12, Math.ceil(wanted / EVENTS_A_PAYMENT));
  await inParallel(payments, 16, async (n) => {
    const donor = donors[n % donors.length];
    if (donor === undefined) throw new Error('no donor');
    const secret = await hands.pledge(donor, campaignId, BigInt(2_000 + (n % 997)));
    const kind = n % 12;
    const intent = await confirm(sandboxUrl, secret, kind === 1 || kind === 2 ? CARD.dispute : CARD.good);
    if (kind === 3) await stripe(sandboxUrl, 'refunds', { payment_intent: intent });
    if (kind === 4) await stripe(sandboxUrl, 'refunds', { payment_intent: intent, amount: '700' });
  });
  await until('every dispute is open', async () => {
    const { timers } = await control<{ timers: number }>(sandboxUrl, 'status');
    return timers === 0;
  });
  const disputes = await everything<{ id: string; status: string }>(sandboxUrl, 'disputes');
  await inParallel(disputes.length, 8, async (n) => {
    const text = n % 2 === 0 ? 'winning_evidence' : 'losing_evidence';
    const path = `disputes/${disputes[n]?.id ?? ''}`;
    await stripe(sandboxUrl, path, { 'evidence[uncategorized_text]': text, submit: 'true' });
  });
  await until('every dispute is decided', async () => {
    const { timers } = await control<{ timers: number }>(sandboxUrl, 'status');
    return timers === 0;
  });
  await hands.close();
  await sandbox.stop();
  ageEvents(join(home, 'stripe-sandbox.sqlite'));
  await quietSweep((sql, given) => database.rows(sql, given));
  const { events } = planDeliveries(join(home, 'stripe-sandbox.sqlite'));
  print(`prepared: ${payments} payments, ${disputes.length} disputes, ${events} events, ${secondsSince(started)} s`);
  return events;
}

interface Ran {
  readonly root: string;
  readonly transfers: number;
  readonly seconds: string;
  readonly findings: string;
  readonly about: string;
}

async function run(name: string, seed: number | undefined): Promise<Ran> {
  const home = join(place.folder, name);
  mkdirSync(home);
  const file = join(home, 'stripe-sandbox.sqlite');
  cpSync(join(place.folder, 'prepared', 'stripe-sandbox.sqlite'), file);
  const prepared = databases[0];
  if (prepared === undefined) throw new Error('nothing is prepared');
  const database = await prepared.copy(`${place.prefix}_${name}`);
  databases.push(database);
  const query = (sql: string, given?: unknown[]) => database.rows(sql, given);
  const chance = seed === undefined ? undefined : generator(seed);
  const planned = planDeliveries(file, chance);
  const withheld = seed === undefined ? 0 : await withholdPayments(query, seed);
  const started = Date.now();
  const stage = await install(home, database.url);
  await stage.start();
  try {
    let early = 0;
    if (chance !== undefined) {
      const killed = killing(stage, chance, () => isOpen(stage, database));
      // Their events come first; then the transactions commit, in the middle of everything.
      await until('events wait for their payments', async () => {
        early = await database.count("FROM stripe_event WHERE state = 'parked'");
        return early >= Math.min(withheld, 20);
      });
      await commitPayments(query);
      await killed;
    }
    await until('every delivery has come', async () => !(await isOpen(stage, database)));
    const before = await database.count('FROM stripe_event');
    if (planned.lost > 0) {
      await forgetComparison(query);
      // A worker that starts compares at once.
      await stage.worker.kill();
    }
    await until('every event is here', async () => {
      const received = await database.count('FROM stripe_event');
      return received === planned.events && !(await isOpen(stage, database));
    });
    const seconds = secondsSince(started);
    const { root, transfers } = await ledgerRoot(query);
    const found = planned.events - before;
    return {
      root,
      transfers,
      seconds,
      findings: await audit(database.url),
      about: `${planned.deliveries} deliveries of ${planned.events} events, ${planned.lost} lost (${found} found by the back-fill), ${withheld} payments after their events (${early} events waited), ${stage.api.kills + stage.worker.kills} kills (api ${stage.api.kills}, worker ${stage.worker.kills})`,
    };
  } finally {
    await stage.stop();
  }
}

/** Whether anything is under way: a delivery, an event in the inbox, a message in the outbox. */
async function isOpen(stage: Installation, database: ChaosDatabase): Promise<boolean> {
  const { deliveries } = await control<{ deliveries: { pending: number } }>(stage.sandboxUrl, 'status');
  if (deliveries.pending > 0) return true;
  return (await database.count("FROM stripe_event WHERE state IN ('waiting', 'parked')")) > 0;
}

async function killing(stage: Installation, chance: () => number, open: () => Promise<boolean>): Promise<void> {
  for (let n = 0; n < kills; n += 1) {
    await pause(200 + chance() * 2_000);
    if (!(await open())) return;
    await (chance() < 0.5 ? stage.api : stage.worker).kill();
  }
}

async function until(what: string, done: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await done())) {
    if (Date.now() > deadline) throw new Error(`not within ${PATIENCE_MS / 60_000} minutes: ${what} (${place.folder})`);
    await pause(250);
  }
}
