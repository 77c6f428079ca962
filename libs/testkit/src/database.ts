import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import pg from 'pg';
import type { DataSource } from 'typeorm';
import { systemClock } from '#kernel';
import { UnitOfWork, createDataSource, migrationsDigest } from '#platform';

/** A database of one test file: all migrations applied, nobody else in it. */
export interface TestDatabase {
  readonly url: string;
  readonly dataSource: DataSource;
  readonly uow: UnitOfWork;
  close(): Promise<void>;
}

const ROOT = join(import.meta.dirname, '../../..');
const serverUrl = () => process.env['TEST_DATABASE_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';

const urlOf = (database: string) => {
  const url = new URL(serverUrl());
  url.pathname = `/${database}`;
  return url.href;
};

/**
 * Makes a fresh database by copying a template that holds the present migrations; the template is made once for each
 * set of migrations, under an advisory lock, so that test files and processes can ask at the same time.
 */
export async function createTestDatabase(entities: readonly (new () => object)[] = []): Promise<TestDatabase> {
  const admin = new pg.Client({ connectionString: serverUrl() });
  await admin.connect();
  const template = `cw_template_${migrationsDigest(join(ROOT, 'migrations')).slice(0, 16)}`;
  const name = `cw_test_${randomBytes(6).toString('hex')}`;
  try {
    await admin.query('SELECT pg_advisory_lock(7110)');
    const { rowCount } = await admin.query('SELECT 1 FROM pg_database WHERE datname = $1 AND datistemplate', [
      template,
    ]);
    if (rowCount === 0) await makeTemplate(admin, template);
    await admin.query(`CREATE DATABASE ${name} TEMPLATE ${template}`);
  } finally {
    await admin.query('SELECT pg_advisory_unlock(7110)').catch(() => undefined);
    await admin.end();
  }
  const dataSource = await createDataSource({
    url: urlOf(name),
    poolSize: 6,
    packageRoot: ROOT,
    entities,
  }).initialize();
  return {
    url: urlOf(name),
    dataSource,
    uow: new UnitOfWork(dataSource, systemClock),
    close: async () => {
      await dataSource.destroy();
      const last = new pg.Client({ connectionString: serverUrl() });
      await last.connect();
      await untilLeft(last, name);
      await last.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      await last.end();
    },
  };
}

/** Connections that are being closed still stand for a moment; dropping under them would throw in the test's process. */
async function untilLeft(admin: pg.Client, database: string): Promise<void> {
  for (let wait = 0; wait < 100; wait += 1) {
    const { rowCount } = await admin.query('SELECT 1 FROM pg_stat_activity WHERE datname = $1 LIMIT 1', [database]);
    if (rowCount === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function makeTemplate(admin: pg.Client, template: string): Promise<void> {
  await admin.query(`DROP DATABASE IF EXISTS ${template} WITH (FORCE)`);
  await admin.query(`CREATE DATABASE ${template}`);
  const source = await createDataSource({ url: urlOf(template), poolSize: 2, packageRoot: ROOT }).initialize();
  try {
    await source.runMigrations();
  } finally {
    await source.destroy();
  }
  await admin.query(`ALTER DATABASE ${template} IS_TEMPLATE true`);
}
