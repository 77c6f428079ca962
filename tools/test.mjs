// `npm test`: everything, on a fresh clone too. Installs and builds first, brings its own PostgreSQL, says what it
// skipped and why. With CI=true nothing may be skipped for want of a program.
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build, checkNode, fail, install, pinnedNode, root } from './prepare.mjs';

checkNode();
install();
build();

const run = promisify(execFile);
const ci = process.env.CI === 'true';
const node = pinnedNode();
const filter = process.argv.slice(2);
const bin = join(root, 'node_modules', '.bin');
const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` };
const found = (command, args) => spawnSync(command, args, { stdio: 'ignore' }).status === 0;
const programs = [
  {
    name: 'redis-server',
    has: Boolean(process.env.REDIS_URL) || found('redis-server', ['--version']),
    without: 'queue tests run on the in-process Redis only',
  },
  {
    name: 'chromium',
    has: ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].some((path) => existsSync(path)),
    without: 'the dashboard is not looked at in a browser',
  },
  {
    name: 'PyTorch',
    has: found('/usr/bin/python3', ['-c', 'import torch; torch.zeros(1)']),
    without: 'torchrun is not run; the TypeScript trainer is',
  },
];
for (const { name, has, without } of programs) {
  if (has) continue;
  if (ci) fail(`CI needs ${name}; .ci/run installs it.`);
  process.stdout.write(`  - without ${name}: ${without}\n`);
}
if (!existsSync(join(root, '..', 'shared', 'data'))) {
  process.stdout.write('  - without ../shared/data: tests against published vectors and recorded data are skipped\n');
}

if (filter.length === 0) {
  // The two that take longest go side by side with the others.
  await Promise.all([
    checks([
      ['Types', 'tsc', '-p', 'tsconfig.json'],
      ['Types of the dashboard', 'tsc', '-p', 'apps/dashboard/tsconfig.json'],
      ['GraphQL schema', 'node', 'dist/apps/api/src/print-schema.js', '--check'],
    ]),
    checks([
      ['Format', 'prettier', '--check', '--log-level=warn', '.'],
      ['Lint', 'oxlint', '--type-aware'],
      ['Room boundaries', 'depcruise', '--config', '.dependency-cruiser.cjs', 'apps', 'libs'],
      ['Dead code', 'knip'],
    ]),
  ]);
}

const folder = mkdtempSync(join(tmpdir(), 'commonweights-test-'));
const report = join(folder, 'report.json');
let status = 1;
try {
  const args = ['tools/with-database.mjs', folder, node, 'node_modules/vitest/vitest.mjs', 'run', '--reporter=default'];
  ({ status } = spawnSync(node, [...args, '--reporter=json', `--outputFile.json=${report}`, ...filter], {
    stdio: 'inherit',
    cwd: root,
    env,
  }));
  summarise();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit(status ?? 1);

/** Runs programs of the installed packages one after the other, on the pinned Node; fails with what the first to fail printed. */
async function checks(list) {
  for (const [what, program, ...args] of list) {
    const started = Date.now();
    const options = { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26, env };
    try {
      await run(join(bin, program), args, options);
    } catch (error) {
      fail(`✗ ${what}\n${error.code === undefined ? error.message : ''}${error.stdout ?? ''}${error.stderr ?? ''}`);
    }
    process.stdout.write(`  ✓ ${what} (${((Date.now() - started) / 1000).toFixed(1)} s)\n`);
  }
}

/** The closing line that any runner understands, and what was skipped. */
function summarise() {
  if (!existsSync(report)) return;
  const { numPassedTests, numFailedTests, numPendingTests, testResults } = JSON.parse(readFileSync(report, 'utf8'));
  const skipped = testResults.flatMap((file) =>
    file.assertionResults.filter((t) => t.status === 'pending' || t.status === 'skipped').map((t) => t.fullName),
  );
  for (const name of skipped.slice(0, 40)) process.stdout.write(`  skipped: ${name}\n`);
  process.stdout.write(`${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped\n`);
}
