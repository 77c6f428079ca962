import { join } from 'node:path';
import { Home, StartError } from './up/home.js';

/** The installation that a command is about: the environment's, else the one below the data folder. */
export class Installation {
  readonly home: Home;

  constructor(packageRoot: string) {
    this.home = new Home(process.env['COMMONWEIGHTS_HOME'] ?? join(packageRoot, '.commonweights'));
  }

  /** Address of its database. Throws a `StartError` when there is none yet. */
  databaseUrl(): string {
    const given = process.env['DATABASE_URL'];
    if (given) return given;
    const kept = this.home.read<{ port: number }>('postgres.json');
    if (!kept) {
      throw new StartError(
        `There is no installation in ${this.home.path}; run npm start first, or set COMMONWEIGHTS_HOME or DATABASE_URL.`,
      );
    }
    return `postgres://commonweights:${this.home.secrets().databasePassword}@127.0.0.1:${kept.port}/commonweights`;
  }

  /** Address of its API. */
  apiUrl(): string {
    return process.env['PUBLIC_URL'] ?? `http://localhost:${process.env['PORT'] ?? '4000'}`;
  }
}
