// npm run bench [-- --only NAME,… --seconds N --list]: measures hot paths beside peers and limits in the same run, and
// prints a table. Each benchmark has a process and a database of its own. PostgreSQL: BENCH_DATABASE_URL (a superuser's
// or one that may create databases), else an embedded one that keeps its promises (fsync on). See docs/benchmarks.md.
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, checkNode, fail, install, pinnedNode, root } from './prepare.mjs';

const FOLDER = join(root, 'tests', 'bench');
const SECONDS = 24;
/** A benchmark that takes this much longer than it measures hangs. */
const OVERHEAD_MS = 120_000;

const names = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.bench.ts'))
  .map((file) => file.slice(0, -'.bench.ts'.length))
  .sort();

if (process.argv[2] === '--one') await one();
else await all(readOptions(process.argv.slice(2)));

function readOptions(args) {
  const options = { only: names, seconds: SECONDS };
  for (let i = 0; i < args.length; i += 1) {
    const [flag, attached] = args[i].split('=', 2);
    const value = () => attached ?? args[(i += 1)] ?? '';
    if (flag === '--only') {
      options.only = value().split(',');
      const unknown = options.only.find((name) => !names.includes(name));
      if (unknown !== undefined) fail(`There is no benchmark "${unknown}"; there are ${names.join(', ')}.`);
    } else if (flag === '--seconds') {
      options.seconds = Number(value());
      if (!(options.seconds >= 1 && options.seconds <= 600)) fail('--seconds takes a number from 1 to 600.');
    } else if (flag === '--list') {
      process.stdout.write(`${names.join('\n')}\n`);
      process.exit(0);
    } else fail(`Unknown option ${args[i]}; there are --only NAME[,NAME], --seconds N and --list.`);
  }
  return options;
}

async function all({ only, seconds }) {
  checkNode();
  install();
  build();
  const node = pinnedNode();
  const folder = mkdtempSync(join(tmpdir(), 'commonweights-bench-'));
  let database;
  let running;
  let stopped = false;
  const close = async () => {
    running?.kill('SIGTERM');
    await database?.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      stopped = true;
      running?.kill('SIGTERM');
    });
  }
  const results = [];
  let failed = false;
  try {
    database = await openDatabase(folder);
    print(`${machine()}; ${database.about}; Node ${execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()}`);
    for (const name of only) {
      if (stopped) break;
      print(`\n${name} (measures for ${seconds} s; load ${load()})`);
      const url = await database.create(name);
      const child = spawn(
        node,
        ['--disable-warning=ExperimentalWarning', join(root, 'tools', 'bench.mjs'), '--one', name],
        {
          env: { ...process.env, NODE_ENV: 'production', BENCH_URL: url, BENCH_SECONDS: String(seconds) },
          stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
        },
      );
      running = child;
      const timer = setTimeout(() => child.kill('SIGKILL'), seconds * 1000 + OVERHEAD_MS);
      let answer;
      child.on('message', (message) => (answer = message));
      const code = await new Promise((resolve) => child.once('exit', (status) => resolve(status ?? 1)));
      clearTimeout(timer);
      running = undefined;
      await database.drop(name);
      if (code === 0 && answer) results.push(...answer);
      else {
        failed = true;
        print(`  ${name} gave no figures (exit ${code})`);
      }
    }
  } finally {
    await close();
  }
  print(`\n${table(results)}`);
  print(`\nload at the end ${load()}`);
  process.exitCode = failed || stopped ? 1 : 0;
}

/** One benchmark, in the process that was started for it. */
async function one() {
  const name = process.argv[3];
  process.on('disconnect', () => process.exit(1));
  process.on('SIGTERM', () => process.exit(1));
  const { run } = await import(pathToFileURL(join(FOLDER, `${name}.bench.ts`)).href);
  const results = await run({
    databaseUrl: process.env.BENCH_URL,
    seconds: Number(process.env.BENCH_SECONDS),
    log: (line) => print(`  ${line}`),
  });
  await new Promise((resolve) => process.send(results, resolve));
  process.exit(0);
}

/** The PostgreSQL to measure in: creates and drops a database for each benchmark. */
async function openDatabase(folder) {
  const given = process.env.BENCH_DATABASE_URL;
  const server = given ? undefined : await startEmbedded(folder);
  const admin = given ?? server.url;
  const { default: pg } = await import('pg');
  const query = async (sql) => {
    const client = new pg.Client({ connectionString: admin });
    await client.connect();
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  };
  const databaseOf = (name) => `commonweights_bench_${process.pid}_${name.replaceAll('-', '_')}`;
  const [settings] = await query(
    `SELECT split_part(version(), ' on ', 1) AS version, current_setting('fsync') AS fsync,
            current_setting('synchronous_commit') AS commit, current_setting('shared_buffers') AS buffers`,
  );
  return {
    about: `${settings.version}, fsync ${settings.fsync}, synchronous_commit ${settings.commit}, shared_buffers ${settings.buffers}`,
    create: async (name) => {
      await query(`CREATE DATABASE ${databaseOf(name)}`);
      const url = new URL(admin);
      url.pathname = `/${databaseOf(name)}`;
      return url.href;
    },
    drop: (name) => query(`DROP DATABASE IF EXISTS ${databaseOf(name)} WITH (FORCE)`),
    stop: () => server?.stop(),
  };
}

/** The product's own embedded PostgreSQL with the product's own settings, in a folder that ends with the run. */
async function startEmbedded(folder) {
  const { Home } = await import('../dist/apps/cli/src/up/home.js');
  const { Child } = await import('../dist/apps/cli/src/up/child.js');
  const { prepareDatabase } = await import('../dist/apps/cli/src/up/postgres.js');
  // The account that PostgreSQL runs under has to enter it.
  chmodSync(folder, 0o755);
  const home = new Home(folder);
  home.open();
  const database = await prepareDatabase(home, { PATH: process.env.PATH ?? '' });
  const child = new Child(database.child, (line) => print(line));
  await child.start();
  return {
    url: database.url,
    stop: async () => {
      await child.stop();
      home.close();
    },
  };
}

function table(results) {
  const number = (value) =>
    value === undefined ? '' : value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);
  const rows = results.map((r) => [
    r.name,
    number(r.ours),
    number(r.peer),
    number(r.limit),
    r.unit,
    r.ratio >= 10 ? r.ratio.toFixed(1) : r.ratio.toFixed(r.ratio < 0.1 ? 3 : 2),
    r.goal === undefined ? '' : `${r.ratio >= r.goal ? 'met' : 'MISSED'} (${r.goal})`,
  ]);
  const head = ['', 'ours', 'peer', 'limit', 'unit', 'ours/peer', 'goal'];
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column].length)));
  const line = (row) =>
    row
      .map((cell, column) =>
        column === 0 || column === 4 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]),
      )
      .join('  ');
  const notes = results.map((r) => `  ${r.name}: ${r.note}`);
  return [line(head), widths.map((w) => '-'.repeat(w)).join('  '), ...rows.map(line), '', ...notes].join('\n');
}

function load() {
  const [one, five] = loadavg();
  return `${one.toFixed(1)} (1 min), ${five.toFixed(1)} (5 min)`;
}

function machine() {
  return `${cpus().length} cores of ${cpus()[0]?.model.trim() ?? 'unknown kind'}, load ${load()}`;
}

function print(line) {
  process.stdout.write(`${line}\n`);
}
