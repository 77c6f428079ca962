import { readFileSync } from 'node:fs';
import { InputError, parseConfig, readLaunch } from './config.js';
import { loadCorpus } from './data.js';
import { OutDir } from './events.js';
import { train } from './trainer.js';

/** Exit codes: 0 done or drained · 1 a peer was lost or the run failed · 2 configuration, text or checkpoint unusable. */
function fail(code: 1 | 2, reason: string): never {
  process.stderr.write(`tiny-lm: ${reason}\n`);
  process.exit(code);
}

/** A workload whose agent died is nobody's: without this it would go on using the donor's machine. */
function exitWithParent(): void {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) fail(1, 'the process that launched this workload is gone');
  }, 500).unref();
}

try {
  const launch = readLaunch(process.env);
  if (launch.leased) exitWithParent();
  const text = launch.configPath === undefined ? '{}' : readInput('CW_CONFIG', launch.configPath);
  const config = parseConfig(text, launch.worldSize);
  const out = new OutDir(launch.outDir);
  let training = false;
  let asked = false;
  process.on('SIGTERM', () => {
    // Nothing to save while the gang gathers; and who asks twice means it.
    if (!training || asked) process.exit(143);
    asked = true;
    out.requestDrain();
  });
  const corpus = loadCorpus(launch.dataPath, config.vocab);
  const outcome = await train(config, launch, corpus, out, {
    onLost: (reason) => fail(1, reason),
    onJoined: () => (training = true),
    say: console.log,
  });
  console.log(outcome);
  process.exit(0);
} catch (error) {
  fail(error instanceof InputError ? 2 : 1, (error as Error).message);
}

function readInput(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new InputError(`cannot read ${name}: ${(error as Error).message}`);
  }
}
