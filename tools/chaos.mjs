// npm run chaos [-- --kills N --seed N]: the main job, see tests/chaos/main-job.ts.
// npm run chaos -- --webhooks N --kills K --seeds S: see tests/chaos/webhooks.ts.
// npm run chaos -- --close N --kills K [--seed N]: see tests/chaos/close.ts.
// The last two take TEST_DATABASE_URL, else an embedded PostgreSQL that ends with them.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, install, pinnedNode, root } from './prepare.mjs';

install();
build();
const args = process.argv.slice(2);
const has = (flag) => args.some((arg) => arg === flag || arg.startsWith(`${flag}=`));
const run = (before, script) =>
  spawnSync(pinnedNode(), [...before, '--disable-warning=ExperimentalWarning', script, ...args], {
    stdio: 'inherit',
    cwd: root,
  }).status ?? 1;

const onDatabase = has('--webhooks') ? 'webhooks' : has('--close') ? 'close' : undefined;
if (onDatabase === undefined) process.exit(run([], 'tests/chaos/main-job.ts'));
const folder = mkdtempSync(join(tmpdir(), 'commonweights-chaos-db-'));
const status = run(['tools/with-database.mjs', folder, pinnedNode()], `tests/chaos/${onDatabase}.ts`);
rmSync(folder, { recursive: true, force: true });
process.exit(status);
