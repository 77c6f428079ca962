// Webhooks in every disorder, to API and worker as real processes that are killed with SIGKILL again and again.
//   npm run chaos -- --webhooks 200000 --kills 200 --seeds 20 [--first-seed 1]
//
// 1. Payments are made by the product's commands and paid, refunded and disputed at the sandbox, until about so many
//    events have happened of which none was delivered.
// 2. Calm: copies of that database and of that sandbox file (so that ids agree), each event delivered once, in order,
//    nobody killed.
// 3. For each seed: fresh copies; every event five times, all deliveries shuffled; a tenth of the events never delivered
//    and found by the back-fill; a twentieth of the payments written only after their events have come; API and worker
//    killed in turn, at random moments that are spread over all the deliveries.
// 4. The ledger root (see webhook.plan.ts) of each run must be that of the calm one, and the audit clean.
import { cpSync, mkdirSync, rmSync } from 'node:fs';
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
import { DatabaseCpu } from './cpu.ts';
import { confirm, control, everything, stripe } from './processor.ts';
import {
  DUPLICATES,
  LOST,
  type Planned,
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
const EVENTS_A_PAYMENT = 4.08;
const DONORS = 40;
/** A step that takes so long has failed; the largest runs deliver for half of it. */
const PATIENCE_MS = 60 * 60_000;
/** Withheld payments commit when so many of the deliveries have come: most of their events are among them. */
const COMMIT_AFTER = 0.4;
const LOOK_MS = 250;

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
print(
  `chaos: ${wanted} events, about ${Math.round(wanted * DUPLICATES * (1 - LOST))} deliveries a seed, ${kills} kills, seeds ${seeds.join(', ')}`,
);

/** When what of a run was over, milliseconds since it began. */
class Watch {
  readonly #startedAt = Date.now();
  receivedMs = 0;
  doneMs = 0;

  received(): void {
    this.receivedMs = this.ms();
  }
  done(): void {
    this.doneMs = this.ms();
  }
  ms(): number {
    return Math.max(1, Date.now() - this.#startedAt);
  }
}

const databases: ChaosDatabase[] = [];
let failures = 0;
try {
  const prepared = await prepare();
  const calm = await run('calm', undefined);
  print(`calm: root ${calm.root} over ${calm.transfers} transfers, ${calm.pace}, ${verdict(calm.findings)}`);
  if (calm.findings !== '') failures += 1;
  for (const seed of seeds) {
    const disturbed = await run(`seed${seed}`, seed);
    const same = disturbed.root === calm.root && disturbed.transfers === calm.transfers;
    const failed = !same || disturbed.findings !== '';
    if (failed) failures += 1;
    print(
      `seed ${seed}: ${disturbed.about}; ${disturbed.pace}; root ${same ? 'the same' : `ANOTHER: ${disturbed.root} over ${disturbed.transfers} transfers`}, ${verdict(disturbed.findings)}`,
    );
    if (!failed) await forget(`seed${seed}`);
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

/** A run that went well is large, and twenty of them fill a disk. */
async function forget(name: string): Promise<void> {
  const at = databases.findIndex((database) => database.name === `${place.prefix}_${name}`);
  for (const database of databases.splice(at, 1)) await database.drop();
  rmSync(join(place.folder, name), { recursive: true, force: true });
}

/** @returns how many events there are */
async function prepare(): Promise<number> {
  const started = Date.now();
  const home = join(place.folder, 'prepared');
  const database = await ChaosDatabase.fresh(`${place.prefix}_prepared`);
  databases.push(database);
  const { sandbox, sandboxUrl } = await install(home, database.url);
  await sandbox.start();
  // Nobody is there to take them, and they are planned anew for each run.
  await control(sandboxUrl, 'chaos', { paused: true });
  const hands = await Hands.open(database.url, sandboxUrl, home);
  const owner = await hands.person('Ishmael');
  const donors = await hands.people(DONORS);
  const campaignId = await hands.liveCampaign(owner, { fundingModel: 'keep_it_all', cashGoalMinor: 10n ** 12n });
  const payments = Math.max(12, Math.ceil(wanted / EVENTS_A_PAYMENT));
  await inParallel(payments, 32, async (n) => {
    const donor = donors[n % donors.length];
    if (donor === undefined) throw new Error('no donor');
    const secret = await hands.pledge(donor, campaignId, BigInt(2_000 + (n % 997)));
    const kind = n % 12;
    const intent = await confirm(sandboxUrl, secret, kind === 1 || kind === 2 ? CARD.dispute : CARD.good);
    if (kind === 3) await stripe(sandboxUrl, 'refunds', { payment_intent: intent });
    if (kind === 4) await stripe(sandboxUrl, 'refunds', { payment_intent: intent, amount: '700' });
  });
  const noTimers = async (): Promise<boolean> => !(await quiet(sandboxUrl)).waiting;
  await until('every dispute is open', noTimers);
  const disputes = await everything<{ id: string; status: string }>(sandboxUrl, 'disputes');
  await inParallel(disputes.length, 8, async (n) => {
    const text = n % 2 === 0 ? 'winning_evidence' : 'losing_evidence';
    const path = `disputes/${disputes[n]?.id ?? ''}`;
    await stripe(sandboxUrl, path, { 'evidence[uncategorized_text]': text, submit: 'true' });
  });
  await until('every dispute is decided', noTimers);
  await hands.close();
  await sandbox.stop();
  ageEvents(join(home, 'stripe-sandbox.sqlite'));
  await quietSweep((sql, given) => database.rows(sql, given));
  const { events } = planDeliveries(join(home, 'stripe-sandbox.sqlite'));
  const perSecond = Math.round(payments / ((Date.now() - started) / 1000));
  print(
    `prepared: ${payments} payments (${perSecond}/s), ${disputes.length} disputes, ${events} events, ${secondsSince(started)} s`,
  );
  return events;
}

interface Ran {
  readonly root: string;
  readonly transfers: number;
  readonly pace: string;
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
  const stage = await install(home, database.url);
  const databaseCpu = new DatabaseCpu(database.name);
  await stage.start();
  const watch = new Watch();
  try {
    let early = 0;
    if (chance !== undefined) {
      const killed = killing(stage, database, chance, planned);
      // Their events come first; then the transactions commit, in the middle of everything.
      await until('events wait for their payments', async () => {
        early = await database.count("FROM stripe_event WHERE state = 'parked'");
        const { delivered, delivering } = await quiet(stage.sandboxUrl);
        return early >= Math.min(withheld, 20) && (delivered >= planned.deliveries * COMMIT_AFTER || !delivering);
      });
      await commitPayments(query);
      await killed;
    }
    await until('every delivery has come', async () => !(await quiet(stage.sandboxUrl)).delivering);
    watch.received();
    await until('every event is worked off', async () => !(await isOpen(stage, database)));
    watch.done();
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
    const pace = paceOf(watch, planned, { stage, databaseCpu, before });
    const { root, transfers } = await ledgerRoot(query);
    const found = planned.events - before;
    return {
      root,
      transfers,
      pace,
      findings: await audit(database.url),
      about: `${planned.deliveries} deliveries of ${planned.events} events, ${planned.lost} lost (${found} found by the back-fill), ${withheld} payments after their events (${early} events waited), ${stage.api.kills + stage.worker.kills} kills (api ${stage.api.kills}, worker ${stage.worker.kills})`,
    };
  } finally {
    databaseCpu.close();
    await stage.stop();
  }
}

function paceOf(
  watch: Watch,
  planned: Planned,
  spent: { readonly stage: Installation; readonly databaseCpu: DatabaseCpu; readonly before: number },
): string {
  const { stage, databaseCpu, before } = spent;
  const perSecond = (count: number, ms: number): number => Math.round((count * 1000) / ms);
  const cpu = [stage.sandbox, stage.api, stage.worker].map((victim) => `${victim.name} ${seconds(victim.cpuMs)}`);
  return [
    `${seconds(watch.ms())} s in all`,
    `${perSecond(planned.deliveries, watch.receivedMs)} deliveries/s received`,
    `${perSecond(before, watch.doneMs)} events/s worked off`,
    `CPU seconds: ${cpu.join(', ')}, database ${seconds(databaseCpu.ms())}`,
  ].join(', ');
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}

function quiet(url: string): Promise<{ delivering: boolean; waiting: boolean; delivered: number }> {
  return control(url, 'quiet');
}

/** Whether anything is under way: a delivery, or an event in the inbox. */
async function isOpen(stage: Installation, database: ChaosDatabase): Promise<boolean> {
  if ((await quiet(stage.sandboxUrl)).delivering) return true;
  return (await database.rows("SELECT 1 FROM stripe_event WHERE state IN ('waiting', 'parked') LIMIT 1")).length > 0;
}

/** Each at a random moment of its share of the deliveries, whatever the machine makes of them in a second. */
async function killing(
  stage: Installation,
  database: ChaosDatabase,
  chance: () => number,
  planned: Planned,
): Promise<void> {
  for (let n = 0; n < kills; n += 1) {
    const from = ((n + chance()) / kills) * planned.deliveries;
    for (;;) {
      const { delivered, delivering } = await quiet(stage.sandboxUrl);
      if (delivered >= from) break;
      if (!delivering && !(await isOpen(stage, database))) return;
      await pause(20 + chance() * 60);
    }
    await (chance() < 0.5 ? stage.api : stage.worker).kill();
  }
}

async function until(what: string, done: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await done())) {
    if (Date.now() > deadline) throw new Error(`not within ${PATIENCE_MS / 60_000} minutes: ${what} (${place.folder})`);
    await pause(LOOK_MS);
  }
}
