import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Command } from 'commander';
import { freePort } from '#platform';
import { playMainJob } from '../demo/main-job.js';
import { printAudit } from '../audit/audit.js';
import { migrate } from '../migrate/migrate.command.js';
import { Child, type ChildSpec } from './child.js';
import { Home, StartError } from './home.js';
import { clearLeftovers } from './leftovers.js';
import { prepareDatabase } from './postgres.js';
import { Progress } from './progress.js';

interface UpOptions {
  readonly fresh: boolean;
  readonly demo: boolean;
  readonly once: boolean;
  readonly workload?: string;
}

/** `commonweights up`: what `npm start` runs once everything is installed and built. */
export function registerUpCommand(program: Command, packageRoot: string): void {
  program
    .command('up')
    .description('start everything on this machine and play the main job')
    .option('--fresh', 'delete the data folder and begin again', false)
    .option('--no-demo', 'come up empty, without playing the main job')
    .option('--once', 'play the main job, audit, print both and exit', false)
    .option('--workload <name>', 'train with tiny-lm or tiny-lm-torch (default: PyTorch where it is found)')
    .action(async (options: UpOptions) => {
      const supervisor = new Supervisor(packageRoot, options);
      process.exitCode = await supervisor.run();
    });
}

class Supervisor {
  private readonly home: Home;
  private readonly port: number;
  private readonly children: Child[] = [];
  private readonly progress = new Progress();
  private readonly abort = new AbortController();
  private readonly pids: Record<string, number> = {};
  private readonly endings: (() => Promise<unknown>)[] = [];
  private databaseUrl = '';

  constructor(
    private readonly packageRoot: string,
    private readonly options: UpOptions,
  ) {
    this.home = new Home(process.env['COMMONWEIGHTS_HOME'] ?? join(packageRoot, '.commonweights'));
    this.port = Number(process.env['PORT'] ?? 4000);
  }

  /** Runs until a signal (or to the end, with --once) and answers the exit code. */
  async run(): Promise<number> {
    const stopped = new Promise<number>((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
        process.on(signal, () => {
          if (!this.abort.signal.aborted) this.progress.line('Stopping …');
          this.abort.abort();
          resolve(0);
        });
      }
    });
    let code = 0;
    let opened = false;
    try {
      if (this.options.fresh) this.home.erase();
      await this.preflight();
      this.home.open();
      opened = true;
      await clearLeftovers(this.home);
      code = await Promise.race([this.work().then((done) => (done === undefined ? stopped : done)), stopped]);
    } catch (error) {
      code = 1;
      this.progress.fail(error instanceof StartError ? error.message : ((error as Error).stack ?? String(error)));
    }
    this.abort.abort();
    await this.stopAll();
    if (opened) this.home.close();
    return code;
  }

  private async preflight(): Promise<void> {
    if (!Number.isInteger(this.port) || this.port < 1 || this.port > 65_535) {
      throw new StartError('PORT must be a number from 1 to 65535.');
    }
    const free = await new Promise<boolean>((resolve) => {
      const server = createServer();
      server.once('error', () => resolve(false));
      server.listen(this.port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (!free)
      throw new StartError(
        `Port ${this.port} is in use; stop what listens there, or start with PORT=${this.port + 1} npm start.`,
      );
  }

  /** Starts everything; then plays. Undefined means: stay up. */
  private async work(): Promise<number | undefined> {
    await this.startDatabase();
    await this.progress.step('Bringing the database up to date', () => migrate(this.databaseUrl, this.packageRoot));
    const env = await this.startServices();
    const url = `http://localhost:${this.port}`;
    this.progress.line(`Commonweights is up: ${url}`);
    if (this.options.demo || this.options.once) {
      const played = await playMainJob({
        url,
        home: this.home,
        packageRoot: this.packageRoot,
        env,
        progress: this.progress,
        signal: this.abort.signal,
        workload: this.options.workload,
        onStop: (end) => this.endings.push(end),
        onLaunch: this.noteProcess,
      });
      if (this.options.once) {
        const clean = await printAudit(this.databaseUrl, this.packageRoot, (line) => this.progress.line(line));
        return played && clean ? 0 : 1;
      }
    }
    this.progress.line('');
    this.progress.line(`  Dashboard   ${url}`);
    this.progress.line(`  GraphQL     ${url}/graphql`);
    this.progress.line(`  Health      ${url}/health/ready    Metrics  ${url}/metrics`);
    this.progress.line(`  Data, logs  ${this.home.path}`);
    this.progress.line('  Audit       npm run audit        Stop     Ctrl-C');
    return undefined;
  }

  private async startDatabase(): Promise<void> {
    const given = process.env['DATABASE_URL'];
    if (given) {
      this.databaseUrl = given;
      return;
    }
    const database = await this.progress.step('Preparing PostgreSQL', () => prepareDatabase(this.home, baseEnv()));
    const child = this.supervise(database.child);
    await this.progress.step('Starting PostgreSQL', () => child.start());
    this.databaseUrl = database.url;
  }

  private async startServices(): Promise<Record<string, string>> {
    const stripe = await this.startStripe();
    const env: Record<string, string> = {
      ...baseEnv(),
      NODE_ENV: process.env['NODE_ENV'] ?? 'development',
      DEVELOPER_SIGN_IN: process.env['NODE_ENV'] === 'production' ? '0' : '1',
      // A demonstration on one machine notices a lost node in seconds; the defaults suit donors over the internet.
      AGENT_HEARTBEAT_MS: '1000',
      AGENT_LEASE_TTL_MS: '6000',
      ...definedEnv(),
      PORT: String(this.port),
      COMMONWEIGHTS_HOME: this.home.path,
      DATABASE_URL: this.databaseUrl,
      ...stripe,
    };
    const dist = (path: string) => join(this.packageRoot, 'dist', path);
    const node = (name: string, script: string) =>
      this.supervise({
        name,
        command: process.execPath,
        args: ['--enable-source-maps', dist(script)],
        env,
        logFile: join(this.home.path, 'logs', `${name}.log`),
        ready: 'ipc',
        graceMs: graceMs(env),
      });
    const worker = node('worker', 'apps/worker/src/main.js');
    const api = node('api', 'apps/api/src/main.js');
    await this.progress.step('Starting API, worker and dashboard', () => Promise.all([worker.start(), api.start()]));
    return env;
  }

  /** With a key of Stripe's own, Stripe is used; without, the sandbox, and nothing else differs. */
  private async startStripe(): Promise<Record<string, string>> {
    if (process.env['STRIPE_SECRET_KEY']) return {};
    const secrets = this.home.secrets();
    const kept = this.home.read<{ port: number }>('sandbox.json');
    const port = kept?.port ?? (await freePort());
    this.home.write('sandbox.json', { port });
    const flags: Record<string, string> = {
      port: String(port),
      home: join(this.home.path, 'sandbox'),
      'webhook-url': `http://127.0.0.1:${this.port}/stripe/webhook`,
      'webhook-secret': secrets.stripeWebhookSecret,
      'secret-key': secrets.stripeSecretKey,
      'publishable-key': secrets.stripePublishableKey,
      duplicates: '2',
      'out-of-order': '2',
    };
    const child = this.supervise({
      name: 'stripe-sandbox',
      command: process.execPath,
      args: [
        '--disable-warning=ExperimentalWarning',
        join(this.packageRoot, 'dist/libs/payments/src/sandbox/main.js'),
        ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]),
      ],
      env: baseEnv(),
      logFile: join(this.home.path, 'logs', 'stripe-sandbox.log'),
      ready: async () => (await fetch(`http://127.0.0.1:${port}/v1/balance`)).status === 401,
    });
    await this.progress.step('Starting the Stripe sandbox', () => child.start());
    return {
      STRIPE_SECRET_KEY: secrets.stripeSecretKey,
      STRIPE_PUBLISHABLE_KEY: secrets.stripePublishableKey,
      STRIPE_WEBHOOK_SECRET: secrets.stripeWebhookSecret,
      STRIPE_API_BASE: `http://127.0.0.1:${port}`,
    };
  }

  private readonly noteProcess = (name: string, pid: number): void => {
    this.pids[name] = pid;
    this.home.write('processes.json', this.pids);
  };

  private supervise(spec: ChildSpec): Child {
    const child = new Child(spec, (line) => this.progress.line(`  ! ${line}`), this.noteProcess);
    this.children.push(child);
    return child;
  }

  /** Last started, first stopped: nobody loses what he stands on. */
  private async stopAll(): Promise<void> {
    await Promise.all(this.endings.map((end) => end()));
    for (const child of this.children.reverse()) await child.stop();
    if (this.children.length > 0) this.progress.line('Stopped.');
  }
}

const baseEnv = (): Record<string, string> => {
  const keep = ['PATH', 'HOME', 'LANG', 'TMPDIR', 'TZ', 'NODE_OPTIONS', 'SystemRoot'];
  return Object.fromEntries(
    keep.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name] ?? '']])),
  );
};

/** A process of ours drains for 15 s beyond the notice it gives (`runProcess`); it is killed a second after that. */
const graceMs = (env: Readonly<Record<string, string>>): number =>
  16_000 + Math.max(0, Number(env['DRAIN_NOTICE_MS'] ?? 0) || 0);

const SETTINGS =
  /^(HOST|PUBLIC_URL|DATABASE_POOL|REDIS_|STRIPE_|AGENT_|OTEL_|LOG_LEVEL|NODE_ENV|DEVELOPER_SIGN_IN|WORKER_PORT|DRAIN_NOTICE_MS)/;
const definedEnv = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(process.env).flatMap(([k, v]) => (SETTINGS.test(k) && v !== undefined ? [[k, v]] : [])),
  );
