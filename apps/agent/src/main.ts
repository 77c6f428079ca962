#!/usr/bin/env node
import { Command, InvalidArgumentError } from 'commander';
import { readConfig, type ConfigFlags } from './agent.config.js';
import { doctorCommand } from './commands/doctor.command.js';
import { inventoryCommand } from './commands/inventory.command.js';
import { drainCommand, leaveCommand, statusCommand } from './commands/node.command.js';
import { joinCommand, startCommand } from './commands/start.command.js';
import { say } from './terminal.js';
import { AGENT_VERSION } from './version.js';

const whole = (text: string): number => {
  if (!/^\d{1,7}$/.test(text)) throw new InvalidArgumentError('Give a whole number.');
  return Number(text);
};

const program = new Command('agent')
  .description('Lends this machine to open model training, for as long as you like.')
  .version(AGENT_VERSION)
  .showHelpAfterError('(see --help)')
  .addHelpText(
    'after',
    `
Examples:
  agent start --server https://commonweights.example --token TOKEN
  agent inventory --from nvidia-smi.txt
  agent drain

Variables: COMMONWEIGHTS_SERVER, COMMONWEIGHTS_JOIN_TOKEN, COMMONWEIGHTS_AGENT_HOME, COMMONWEIGHTS_WORKLOADS, COMMONWEIGHTS_AGENT_PYTHON.
A flag wins over its variable. The private key is made on this machine and never leaves it.`,
  );

const homeOption = ['--home <dir>', 'folder for key, state and work (default: ~/.commonweights-agent)'] as const;

function donating(command: Command): Command {
  return command
    .option('--server <url>', 'address of the platform')
    .option(
      '--token <token>',
      'one-time join token; better in COMMONWEIGHTS_JOIN_TOKEN, where other users of the machine cannot see it',
    )
    .option(...homeOption)
    .option('--name <name>', 'public name of this node (default: made from class and key)')
    .option('--region <region>', 'where it stands, such as eu-west or DE')
    .option('--cpus <n>', 'lend this many CPU cores and no GPU', whole)
    .option('--cpu-only', 'lend the CPU even where a GPU is found')
    .option('--disk-gib <n>', 'disk that one lease may take, in GiB (default: 20)', whole)
    .option('--address <host>', 'address at which other members reach this node (default: found by itself)')
    .option('--workloads <dir>', 'folder of the installed workloads')
    .option('--python <path>', 'Python with PyTorch')
    .option('--drain-seconds <n>', 'time for a last checkpoint when draining', whole, 30)
    .option('--wait-seconds <n>', 'how long to wait for an absent platform when joining', whole, 60);
}

let exitCode = 0;
type Flags = ConfigFlags & Record<string, never>;
const act =
  (body: (config: ReturnType<typeof readConfig>, flags: never) => Promise<number> | number) =>
  async (flags: Flags): Promise<void> => {
    exitCode = await body(readConfig(flags), flags as never);
  };

donating(
  program.command('join').description('join a platform: makes the key, and enrols with a one-time token'),
).action(act(joinCommand));
donating(program.command('start').description('join when needed, then give until drained')).action(act(startCommand));
donating(program.command('run').description('give until drained; the node has joined before')).action(
  act(startCommand),
);
program
  .command('inventory')
  .description('show what this machine would lend, or what a device listing says')
  .option('--from <file>', 'read a listing of nvidia-smi (table, CSV, XML) or rocm-smi (JSON); - is standard input')
  .option('--cpus <n>', 'as for start', whole)
  .option('--python <path>', 'Python with PyTorch')
  .option('--json', 'JSON only')
  .action(act(inventoryCommand));
program
  .command('status')
  .description('show the node and what it is doing')
  .option(...homeOption)
  .option('--json', 'JSON')
  .action(act(statusCommand));
program
  .command('drain')
  .description('finish running work with a checkpoint, then leave until the next start')
  .option(...homeOption)
  .option('--wait-seconds <n>', 'how long to wait for it', whole, 120)
  .action(act(drainCommand));
program
  .command('leave')
  .description('drain, and end the enrolment for good')
  .option(...homeOption)
  .option('--wait-seconds <n>', 'how long to wait for the drain', whole, 120)
  .action(act(leaveCommand));
program
  .command('doctor')
  .description('check everything a donation needs')
  .option(...homeOption)
  .option('--server <url>', 'address of the platform')
  .option('--workloads <dir>', 'folder of the installed workloads')
  .option('--python <path>', 'Python with PyTorch')
  .action(act(doctorCommand));

try {
  await program.parseAsync();
  process.exit(exitCode);
} catch (error) {
  say(`Error: the agent met something unexpected: ${(error as Error).stack ?? String(error)}`);
  process.exit(70);
}
