import { readFileSync } from 'node:fs';
import { type Outcome, isRefused, systemClock } from '#kernel';
import { UnitOfWork, createDataSource, explainConnectionFailure } from '#platform';
import { StartError } from './up/home.js';

/** Runs work on a database that is open for it alone. Throws a `StartError` with one line when it can't be reached. */
export async function withDatabase<T>(
  url: string,
  packageRoot: string,
  work: (uow: UnitOfWork) => Promise<T>,
): Promise<T> {
  const dataSource = await createDataSource({ url, poolSize: 2, packageRoot })
    .initialize()
    .catch((error: unknown) => {
      throw new StartError(explainConnectionFailure(error, url));
    });
  try {
    return await work(new UnitOfWork(dataSource, systemClock));
  } finally {
    await dataSource.destroy();
  }
}

/** The text of a file that somebody named. Throws a `StartError` when it can't be read. */
export function readNamedFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw new StartError(`The file can't be read: ${file}`);
  }
}

/** The value of an outcome. Throws a refusal as a `StartError`: a line each for the fact with its code, its figures and what would be right. */
export function orStop<T>(outcome: Outcome<T>): T {
  if (!isRefused(outcome)) return outcome;
  const { code, message, detail, hint } = outcome.first;
  throw new StartError([`${message} (${code})`, detail, hint].filter((text) => text !== undefined).join('\n'));
}
