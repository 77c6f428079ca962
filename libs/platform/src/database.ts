import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { DataSource, type EntitySchema, type MigrationInterface, type QueryRunner } from 'typeorm';

type Entity = (new () => object) | EntitySchema;

export interface DatabaseOptions {
  readonly url: string;
  readonly poolSize: number;
  readonly packageRoot: string;
  readonly entities?: readonly Entity[];
  readonly applicationName?: string;
}

// Amounts are int8 columns and must not pass through a float. `numeric` stays text.
const INT8 = 20;
pg.types.setTypeParser(INT8, (text) => BigInt(text) as never);

/**
 * The data source. `jit` is off because a generic plan of a nested page query would compile on every execution
 * (9.1 ms instead of 1.7 ms); few connections because more are slower on a hot row.
 */
export function createDataSource(options: DatabaseOptions): DataSource {
  return new DataSource({
    type: 'postgres',
    url: options.url,
    entities: [...(options.entities ?? [])] as never,
    migrations: loadMigrations(join(options.packageRoot, 'migrations')),
    migrationsTableName: 'schema_migration',
    migrationsTransactionMode: 'each',
    synchronize: false,
    poolSize: options.poolSize,
    applicationName: options.applicationName ?? 'commonweights',
    extra: {
      options: '-c jit=off -c timezone=UTC -c default_transaction_isolation=read\\ committed',
      statement_timeout: 60_000,
      idle_in_transaction_session_timeout: 60_000,
      connectionTimeoutMillis: 10_000,
      keepAlive: true,
      // A connection that is cut in the moment it is made has no listener yet, and an 'error' without one ends the
      // process. The query that comes next fails and says so; this listener only keeps the process alive.
      onConnect: (client: pg.Client) => {
        client.on('error', () => undefined);
      },
    },
  });
}

type MigrationClass = new () => MigrationInterface;

/**
 * One TypeORM migration for each folder `NNNN-slug` with an `up.sql`. TypeORM orders migrations by the 13 digits at
 * the end of their names, so the folder number becomes those digits.
 */
export function loadMigrations(folder: string): MigrationClass[] {
  return migrationFolders(folder).map((slug) => {
    const sql = readFileSync(join(folder, slug, 'up.sql'), 'utf8');
    const name = `${slug.slice(5).replaceAll('-', '_')}100000000${slug.slice(0, 4)}`;
    return class implements MigrationInterface {
      readonly name = name;
      async up(runner: QueryRunner): Promise<void> {
        await runner.query(sql);
      }
      down(): Promise<void> {
        return Promise.reject(new Error('Migrations go forward only; restore a backup instead.'));
      }
    };
  });
}

export const migrationFolders = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true })
    .filter(
      (entry) => entry.isDirectory() && /^\d{4}-/.test(entry.name) && existsSync(join(folder, entry.name, 'up.sql')),
    )
    .map((entry) => entry.name)
    .sort();

/** SHA-256 over all migrations: names the template database of the tests and tells whether a database is up to date. */
export function migrationsDigest(folder: string): string {
  const hash = createHash('sha256');
  for (const slug of migrationFolders(folder)) hash.update(slug).update(readFileSync(join(folder, slug, 'up.sql')));
  return hash.digest('hex');
}

/** A line for people about why the database can't be reached, for the message at start. */
export function explainConnectionFailure(error: unknown, url: string): string {
  const where = (() => {
    try {
      const { hostname, port, pathname } = new URL(url);
      return `${hostname}:${port || '5432'}${pathname}`;
    } catch {
      return 'the given address';
    }
  })();
  const code = (error as { code?: string }).code ?? '';
  const reason: Record<string, string> = {
    ECONNREFUSED: 'nothing listens there; start PostgreSQL or correct DATABASE_URL',
    ENOTFOUND: 'the host name is unknown; correct DATABASE_URL',
    '28P01': 'the password was refused; correct DATABASE_URL',
    '28000': 'the user was refused; correct DATABASE_URL',
    '3D000': 'that database does not exist; create it or correct DATABASE_URL',
  };
  return `PostgreSQL at ${where} is not reachable: ${reason[code] ?? (error as Error).message}.`;
}
