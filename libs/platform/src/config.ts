import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const flag = z
  .enum(['0', '1', 'true', 'false'])
  .default('0')
  .transform((v) => v === '1' || v === 'true');
const port = z.coerce.number().int().min(1).max(65535);
const optionalUrl = z.url().optional();

const environment = z
  .object({
    NODE_ENV: z.enum(['development', 'test', 'production']).default('production'),
    PORT: port.default(4000),
    HOST: z.string().default('127.0.0.1'),
    PUBLIC_URL: optionalUrl,
    COMMONWEIGHTS_HOME: z.string().default('.commonweights'),
    DATABASE_URL: z
      .string()
      .regex(/^postgres(ql)?:\/\//, 'must start with postgres:// or postgresql://')
      .optional(),
    DATABASE_POOL: z.coerce.number().int().min(2).max(100).default(8),
    REDIS_URL: z
      .string()
      .regex(/^rediss?:\/\//, 'must start with redis:// or rediss://')
      .optional(),
    REDIS_ALLOW_VOLATILE: flag,
    STRIPE_SECRET_KEY: z.string().min(1).optional(),
    STRIPE_PUBLISHABLE_KEY: z.string().min(1).optional(),
    STRIPE_WEBHOOK_SECRET: z.string().min(1).optional(),
    STRIPE_API_BASE: optionalUrl,
    /** Of each process. Stripe allows an account 100 calls a second in live mode; API and worker share them. */
    STRIPE_CALLS_PER_SECOND: z.coerce.number().min(1).max(10_000).default(45),
    /** How many payments and refunds one process tells Stripe of at a time. */
    STRIPE_CALLS_AT_ONCE: z.coerce.number().int().min(1).max(256).default(16),
    /** Payments of up to so many minor units are given back at an early fraud warning; 0: none are. */
    STRIPE_WARNING_REFUND_MINOR: z.coerce.number().int().min(0).max(99_999_999).default(0),
    AGENT_HEARTBEAT_MS: z.coerce.number().int().min(100).max(60_000).default(2_000),
    AGENT_LEASE_TTL_MS: z.coerce.number().int().min(1_000).max(600_000).default(30_000),
    /** `off`: machines are believed what they say they are. */
    NODE_CHALLENGE: z.enum(['required', 'off']).default('required'),
    /** Mean time until a verified machine is challenged again, unannounced; 0: never. */
    NODE_CHALLENGE_EVERY_HOURS: z.coerce.number().min(0).max(8_760).default(24),
    DEVELOPER_SIGN_IN: flag,
    /** Where the worker answers /health and /metrics; it listens nowhere when absent. */
    WORKER_PORT: port.optional(),
    /** How long a process that was told to stop goes on taking requests while it says "not ready". */
    DRAIN_NOTICE_MS: z.coerce.number().int().min(0).max(60_000).default(0),
    /** Where mail is handed over, `smtp://user:password@host:port`; without it nothing is mailed. */
    SMTP_URL: z
      .string()
      .regex(/^smtps?:\/\//, 'must start with smtp:// or smtps://')
      .optional(),
    MAIL_FROM: z.string().min(3).optional(),
    OTEL_EXPORTER_OTLP_ENDPOINT: optionalUrl,
    LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  })
  .superRefine((env, ctx) => {
    if (env.NODE_ENV === 'production' && env.DEVELOPER_SIGN_IN) {
      ctx.addIssue({ code: 'custom', path: ['DEVELOPER_SIGN_IN'], message: "can't be on when NODE_ENV is production" });
    }
    if (env.SMTP_URL && !env.MAIL_FROM) {
      ctx.addIssue({ code: 'custom', path: ['MAIL_FROM'], message: 'is needed when SMTP_URL is set' });
    }
    if (env.STRIPE_SECRET_KEY && !env.STRIPE_WEBHOOK_SECRET) {
      ctx.addIssue({
        code: 'custom',
        path: ['STRIPE_WEBHOOK_SECRET'],
        message: 'is needed when STRIPE_SECRET_KEY is set',
      });
    }
  });

/** Thrown for a setting that can't be used. The message names the variable and what would be right. */
export class ConfigError extends Error {}

/**
 * Every setting of the product, validated once at start. Nothing else reads the environment.
 * Times in milliseconds; `home` is an absolute path.
 */
export class Config {
  readonly environment: 'development' | 'test' | 'production';
  readonly port: number;
  readonly host: string;
  readonly publicUrl: URL;
  readonly home: string;
  readonly databaseUrl: string;
  readonly databasePool: number;
  readonly redisUrl: string | undefined;
  readonly redisAllowVolatile: boolean;
  /** `apiBase` is set when payments go to the sandbox (or another stand-in) instead of Stripe itself. */
  readonly stripe: {
    secretKey: string;
    publishableKey: string;
    webhookSecret: string;
    apiBase: URL | undefined;
    callsPerSecond: number;
    callsAtOnce: number;
    warningRefundMinor: number;
  };
  readonly agent: { heartbeatMs: number; leaseTtlMs: number; isChallenged: boolean; challengeEveryHours: number };
  readonly developerSignIn: boolean;
  readonly workerPort: number | undefined;
  readonly drainNoticeMs: number;
  /** Undefined when nothing is to be mailed. */
  readonly mail: { smtpUrl: string; from: string } | undefined;
  readonly otlpEndpoint: string | undefined;
  readonly logLevel: string;
  /** The folder with package.json: migrations, workloads and the built dashboard lie below it. */
  readonly packageRoot: string;

  constructor(env: NodeJS.ProcessEnv = process.env) {
    // Compose files and unit files pass a variable that has no value as an empty one; it means the same as none.
    const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
    const parsed = environment.safeParse(given);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      throw new ConfigError(`${issue?.path.join('.') ?? 'environment'} ${issue?.message ?? 'is not valid'}`);
    }
    const e = parsed.data;
    if (!e.DATABASE_URL)
      throw new ConfigError('DATABASE_URL is not set; `npm start` sets it to the embedded PostgreSQL');
    if (!e.STRIPE_SECRET_KEY) {
      throw new ConfigError('STRIPE_SECRET_KEY is not set; `npm start` sets it to the Stripe sandbox');
    }
    this.environment = e.NODE_ENV;
    this.port = e.PORT;
    this.host = e.HOST;
    this.publicUrl = new URL(e.PUBLIC_URL ?? `http://localhost:${e.PORT}`);
    this.home = resolve(e.COMMONWEIGHTS_HOME);
    this.databaseUrl = e.DATABASE_URL;
    this.databasePool = e.DATABASE_POOL;
    this.redisUrl = e.REDIS_URL;
    this.redisAllowVolatile = e.REDIS_ALLOW_VOLATILE;
    this.stripe = {
      secretKey: e.STRIPE_SECRET_KEY,
      publishableKey: e.STRIPE_PUBLISHABLE_KEY ?? '',
      webhookSecret: e.STRIPE_WEBHOOK_SECRET ?? '',
      apiBase: e.STRIPE_API_BASE ? new URL(e.STRIPE_API_BASE) : undefined,
      callsPerSecond: e.STRIPE_CALLS_PER_SECOND,
      callsAtOnce: e.STRIPE_CALLS_AT_ONCE,
      warningRefundMinor: e.STRIPE_WARNING_REFUND_MINOR,
    };
    this.agent = {
      heartbeatMs: e.AGENT_HEARTBEAT_MS,
      leaseTtlMs: e.AGENT_LEASE_TTL_MS,
      isChallenged: e.NODE_CHALLENGE === 'required',
      challengeEveryHours: e.NODE_CHALLENGE_EVERY_HOURS,
    };
    this.developerSignIn = e.DEVELOPER_SIGN_IN;
    this.workerPort = e.WORKER_PORT;
    this.drainNoticeMs = e.DRAIN_NOTICE_MS;
    this.mail = e.SMTP_URL ? { smtpUrl: e.SMTP_URL, from: e.MAIL_FROM ?? '' } : undefined;
    this.otlpEndpoint = e.OTEL_EXPORTER_OTLP_ENDPOINT;
    this.logLevel = e.LOG_LEVEL;
    this.packageRoot = findPackageRoot();
  }
}

/** Walks up from this file to the folder that holds package.json; the same from source and from dist. */
export function findPackageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new ConfigError('package.json was not found above the program; reinstall it');
    folder = parent;
  }
  return folder;
}
