import { join } from 'node:path';
import type { Config } from '#platform';
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

  /**
   * How it reaches Stripe: by the environment, else the sandbox that `npm start` runs. Throws a `StartError` when there
   * is neither.
   */
  stripe(): Pick<Config['stripe'], 'secretKey' | 'publishableKey' | 'webhookSecret' | 'apiBase'> {
    const { STRIPE_SECRET_KEY: secretKey, STRIPE_API_BASE: apiBase } = process.env;
    const rest = { publishableKey: '', webhookSecret: '' };
    if (secretKey) return { ...rest, secretKey, apiBase: apiBase ? new URL(apiBase) : undefined };
    const kept = this.home.read<{ port: number }>('sandbox.json');
    if (!kept) {
      throw new StartError(
        `${this.home.path} has no Stripe sandbox; set STRIPE_SECRET_KEY (and STRIPE_API_BASE) as for the API.`,
      );
    }
    return {
      ...rest,
      secretKey: this.home.secrets().stripeSecretKey,
      apiBase: new URL(`http://127.0.0.1:${kept.port}`),
    };
  }

  /** Address of its API. */
  apiUrl(): string {
    return process.env['PUBLIC_URL'] ?? `http://localhost:${process.env['PORT'] ?? '4000'}`;
  }
}
