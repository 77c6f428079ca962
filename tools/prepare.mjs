// Brings a checkout into a state that can run: installs, builds. Plain JavaScript without dependencies, for whatever
// Node the machine has. `npm start` and `npm test` go through here.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const OLDEST_NODE = 20;
const NEEDED_NODE = 24;

/** Prints one line that says what to do, and ends. */
export function fail(line) {
  process.stderr.write(`${line}\n`);
  process.exit(1);
}

export function checkNode() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < OLDEST_NODE)
    fail(`Node ${process.versions.node} is too old; install Node ${NEEDED_NODE} (https://nodejs.org) and start again.`);
}

/** The Node that everything runs on: the pinned one from npm, else the machine's own when it is new enough. */
export function pinnedNode() {
  const pinned = join(root, 'node_modules', '.bin', process.platform === 'win32' ? 'node.cmd' : 'node');
  if (existsSync(pinned)) return pinned;
  if (Number(process.versions.node.split('.')[0]) >= NEEDED_NODE) return process.execPath;
  return fail(
    `There is no packaged Node ${NEEDED_NODE} for ${process.platform}-${process.arch}; install Node ${NEEDED_NODE} and start again.`,
  );
}

/** Installs the locked packages when they are not the ones installed. Tries again once: registries hiccup. */
export function install() {
  const stamp = join(root, 'node_modules', '.commonweights-install');
  const digest = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return;
  step('Installing packages (a minute or so)', () => {
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      const { status, stderr } = npm(['ci', '--no-audit', '--no-fund', '--loglevel=error']);
      if (status === 0) return;
      if (attempt === 2) {
        const text = String(stderr);
        if (/ENOSPC/.test(text)) fail('The disk is full; free some space and start again.');
        fail(`npm could not install the packages:\n${text.trim().split('\n').slice(0, 12).join('\n')}`);
      }
    }
  });
  writeFileSync(stamp, digest);
}

/** Compiles and bundles when a source is newer than the last build. */
export function build() {
  const stamp = join(root, 'dist', '.build-stamp');
  const digest = sourcesDigest();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return;
  const node = pinnedNode();
  step('Compiling (half a minute)', () => {
    rmSync(join(root, 'dist', '.tsbuildinfo'), { force: true });
    run(
      node,
      [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', join(root, 'tsconfig.build.json')],
      'The sources do not compile',
    );
  });
  step('Building the dashboard', () =>
    run(node, [join(root, 'apps', 'dashboard', 'build.mjs')], 'The dashboard does not build'),
  );
  writeFileSync(stamp, digest);
}

export function step(what, body) {
  const started = Date.now();
  process.stdout.write(`  … ${what}\n`);
  body();
  process.stdout.write(`  ✓ ${what} (${((Date.now() - started) / 1000).toFixed(1)} s)\n`);
}

function run(command, args, failure) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: root, encoding: 'utf8' });
  if (status !== 0) fail(`${failure}:\n${stdout}${stderr}`);
}

function npm(args) {
  const cli = process.env.npm_execpath;
  return cli
    ? spawnSync(process.execPath, [cli, ...args], { cwd: root, encoding: 'utf8' })
    : spawnSync('npm', args, { cwd: root, encoding: 'utf8', shell: process.platform === 'win32' });
}

function sourcesDigest() {
  const hash = createHash('sha256');
  const visit = (path) => {
    const info = statSync(path);
    if (info.isDirectory()) {
      for (const name of readdirSync(path).sort()) if (name !== 'node_modules') visit(join(path, name));
    } else {
      hash.update(`${path.slice(root.length)}:${info.size}:${info.mtimeMs}\n`);
    }
  };
  for (const name of ['apps', 'libs', 'workloads', 'package-lock.json', 'tsconfig.base.json', 'tsconfig.build.json']) {
    if (existsSync(join(root, name))) visit(join(root, name));
  }
  return hash.digest('hex');
}
