import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Chaos } from './chaos.rule.js';
import { SandboxServer } from './sandbox.server.js';

const USAGE = `Stripe sandbox: an HTTP server that the stripe package talks to.

  replay FILE…          plays recorded traffic against a fresh sandbox and tells how far the answers agree;
                        ends with 1 below 95 %

  --port N              port to listen on (default 0: any free one)
  --host ADDRESS        address to listen on (default 127.0.0.1)
  --home DIR            where stripe-sandbox.sqlite is kept (default .commonweights)
  --public-url URL      where clients reach the server (default http://<host>:<port>)
  --secret-key KEY      default sk_test_sandbox
  --publishable-key KEY default pk_test_sandbox
  --webhook-url URL     where signed events go
  --webhook-secret KEY  what they are signed with (whsec_…)
  --duplicates N        deliver each event N times
  --out-of-order N      hold back N events until a later one has arrived
  --shuffle-ms N        delay each delivery by up to N milliseconds, at random
  --shuffle-window N    each delivery waits for up to N later events, at random
  --late SHARE          this share (0 to 1) of the events comes late
  --late-ms N           how late at most, in the sandbox's time (default 30 days)
  --early SHARE         this share of the events arrives before the call that causes it is answered
  --concurrency N       how many webhooks are under way at a time (default 16)
  --calls-per-second N  turn API calls beyond this away with 429, as Stripe does (default 0: none)
  --lose SHARE          never deliver this share (0 to 1) of the events
  --dispute-delay-ms N  from a charge on the dispute card to its dispute (default 1000)
  --debit-delay-ms N    from the confirmation of a bank debit to its outcome (default 1000)
  --outcome-delay-ms N  from submitted evidence or pending refund to the outcome (default 500)
  --seed TEXT           the same ids and the same chaos at every run on an empty home
`;

interface Settings {
  readonly values: Readonly<Record<string, string | undefined>>;
}

function settingsOf(args: string[]): Settings {
  const names = [...USAGE.matchAll(/--([a-z-]+)/g)].map((match) => match[1] ?? '');
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]));
  const { values } = parseArgs({ args, options: { ...options, help: { type: 'boolean' } } });
  if (values['help'] === true) {
    process.stdout.write(USAGE);
    process.exit(0);
  }
  return { values: values as Record<string, string | undefined> };
}

function numberIn({ values }: Settings, name: string): number | undefined {
  const text = values[name];
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new Error(`--${name} must be a number of at least 0, not "${text}"`);
  return value;
}

function chaosIn(settings: Settings): Partial<Chaos> {
  const asked = {
    duplicates: numberIn(settings, 'duplicates'),
    outOfOrder: numberIn(settings, 'out-of-order'),
    shuffleMs: numberIn(settings, 'shuffle-ms'),
    shuffleWindow: numberIn(settings, 'shuffle-window'),
    late: numberIn(settings, 'late'),
    lateMs: numberIn(settings, 'late-ms'),
    early: numberIn(settings, 'early'),
    lose: numberIn(settings, 'lose'),
  };
  return Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
}

async function main(): Promise<void> {
  const settings = settingsOf(process.argv.slice(2));
  const { values } = settings;
  const home = values['home'] ?? '.commonweights';
  mkdirSync(home, { recursive: true });
  const webhookUrl = values['webhook-url'];
  const webhookSecret = values['webhook-secret'];
  if ((webhookUrl === undefined) !== (webhookSecret === undefined)) {
    throw new Error('--webhook-url and --webhook-secret go together');
  }
  const disputeDelayMs = numberIn(settings, 'dispute-delay-ms');
  const outcomeDelayMs = numberIn(settings, 'outcome-delay-ms');
  const debitDelayMs = numberIn(settings, 'debit-delay-ms');
  const server = new SandboxServer({
    path: join(home, 'stripe-sandbox.sqlite'),
    host: values['host'] ?? '127.0.0.1',
    port: numberIn(settings, 'port') ?? 0,
    publicUrl: values['public-url'],
    secretKey: values['secret-key'] ?? 'sk_test_sandbox',
    publishableKey: values['publishable-key'] ?? 'pk_test_sandbox',
    webhook:
      webhookUrl === undefined || webhookSecret === undefined ? undefined : { url: webhookUrl, secret: webhookSecret },
    timing: {
      ...(disputeDelayMs === undefined ? {} : { disputeDelayMs }),
      ...(outcomeDelayMs === undefined ? {} : { outcomeDelayMs }),
      ...(debitDelayMs === undefined ? {} : { debitDelayMs }),
    },
    chaos: chaosIn(settings),
    seed: values['seed'],
    webhookConcurrency: numberIn(settings, 'concurrency'),
    callsPerSecond: numberIn(settings, 'calls-per-second'),
  });
  await server.start();
  process.stdout.write(
    `${JSON.stringify({ ready: true, name: 'stripe-sandbox', url: server.url, pid: process.pid })}\n`,
  );
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    void server.stop().then(() => process.exit(0));
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

try {
  const [command, ...files] = process.argv.slice(2);
  if (command === 'replay') {
    // Loaded only when asked for: the server needs none of it.
    const { replayCommand } = await import('./replay/replay.command.js');
    process.exitCode = await replayCommand(files);
  } else await main();
} catch (error) {
  process.stderr.write(`stripe-sandbox: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
