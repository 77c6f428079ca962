// Runs a command with TEST_DATABASE_URL naming a PostgreSQL: the one given, else an embedded one in the folder that
// ends with the command.
import { spawn } from 'node:child_process';
import { chmodSync } from 'node:fs';

const [folder, command, ...args] = process.argv.slice(2);
const run = (url) =>
  new Promise((resolve) => {
    const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, TEST_DATABASE_URL: url } });
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
    child.on('exit', (code) => resolve(code ?? 1));
  });

const given = process.env.TEST_DATABASE_URL;
if (given) {
  process.exitCode = await run(given);
} else {
  const { Home } = await import('../dist/apps/cli/src/up/home.js');
  const { Child } = await import('../dist/apps/cli/src/up/child.js');
  const { prepareDatabase } = await import('../dist/apps/cli/src/up/postgres.js');
  chmodSync(folder, 0o755);
  const home = new Home(folder);
  home.open();
  const database = await prepareDatabase(home, { PATH: process.env.PATH ?? '' });
  // Tests throw their databases away, so nothing has to survive a power cut.
  const spec = { ...database.child, args: [...database.child.args, '-c', 'fsync=off', '-c', 'full_page_writes=off'] };
  const child = new Child(spec, (line) => process.stderr.write(`${line}\n`));
  await child.start();
  try {
    process.exitCode = await run(database.url);
  } finally {
    await child.stop();
    home.close();
  }
}
