import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** An error that a person can act on: one line, no stack. */
export class StartError extends Error {}

/** Secrets of one installation, made at its first start and kept from other users of the machine. */
export interface Secrets {
  readonly databasePassword: string;
  readonly stripeSecretKey: string;
  readonly stripePublishableKey: string;
  readonly stripeWebhookSecret: string;
}

const MIN_FREE_BYTES = 512 * 1024 * 1024;

/** The data folder: everything that has to last is below it. One Commonweights at a time may use it. */
export class Home {
  readonly path: string;

  constructor(path: string) {
    this.path = resolve(path);
  }

  /** Makes the folder, checks that it has room and that nobody else runs on it, and marks it as ours. */
  open(): void {
    try {
      mkdirSync(join(this.path, 'logs'), { recursive: true });
    } catch (error) {
      throw new StartError(`The data folder ${this.path} can't be made: ${(error as Error).message}.`);
    }
    const { bavail, bsize } = statfsSync(this.path);
    if (bavail * bsize < MIN_FREE_BYTES) {
      throw new StartError(
        `The disk of ${this.path} has only ${Math.floor((bavail * bsize) / 1048576)} MB free; free at least 512 MB, or set COMMONWEIGHTS_HOME to a folder with room.`,
      );
    }
    const holder = this.holder();
    if (holder !== undefined) {
      throw new StartError(
        `Commonweights already runs on ${this.path} (process ${holder}); stop it, or set COMMONWEIGHTS_HOME and PORT to run a second one.`,
      );
    }
    writeFileSync(this.lock, String(process.pid));
  }

  close(): void {
    if (existsSync(this.lock) && readFileSync(this.lock, 'utf8') === String(process.pid)) rmSync(this.lock);
  }

  /** Deletes everything below the folder. Only for a folder that looks like ours. */
  erase(): void {
    if (!existsSync(this.path)) return;
    const holder = this.holder();
    if (holder !== undefined)
      throw new StartError(`Commonweights runs on ${this.path} (process ${holder}); stop it first.`);
    if (!existsSync(join(this.path, 'secrets.json')) && existsSync(join(this.path, 'package.json'))) {
      throw new StartError(`${this.path} does not look like a data folder of Commonweights; nothing was deleted.`);
    }
    rmSync(this.path, { recursive: true, force: true });
  }

  secrets(): Secrets {
    const file = join(this.path, 'secrets.json');
    if (!existsSync(file)) {
      const random = (bytes: number) => randomBytes(bytes).toString('hex');
      const made: Secrets = {
        databasePassword: random(16),
        stripeSecretKey: `sk_test_sandbox${random(12)}`,
        stripePublishableKey: `pk_test_sandbox${random(12)}`,
        stripeWebhookSecret: `whsec_${random(16)}`,
      };
      writeFileSync(file, JSON.stringify(made, null, 2), { mode: 0o600 });
      chmodSync(file, 0o600);
    }
    return JSON.parse(readFileSync(file, 'utf8')) as Secrets;
  }

  /** A small JSON note of this installation. */
  read<T>(name: string): T | undefined {
    const file = join(this.path, name);
    return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as T) : undefined;
  }

  write(name: string, value: unknown): void {
    writeFileSync(join(this.path, name), JSON.stringify(value, null, 2));
  }

  private get lock(): string {
    return join(this.path, 'lock');
  }

  private holder(): number | undefined {
    if (!existsSync(this.lock)) return undefined;
    const pid = Number(readFileSync(this.lock, 'utf8'));
    return pid !== process.pid && isAlive(pid) ? pid : undefined;
  }
}

/** Whether a process with this id lives. */
export function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM';
  }
}
