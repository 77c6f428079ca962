import { type Stats, createReadStream, existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants } from 'node:zlib';
import { All, Controller, Inject, Module, Next, NotFoundException, Req, Res } from '@nestjs/common';
import { IdentityModule } from '#identity';
import { Config, LOGGER, type Logger } from '#platform';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { PageGraphql } from './page-graphql.js';
import { UpdatesFeedController } from './updates-feed.controller.js';

interface Dashboard {
  handle(
    request: { method: string; url: string; headers: Record<string, string>; body?: string },
    deps: { graphql: PageGraphql['ask']; nonce: string },
  ): Promise<{ status: number; headers: Record<string, string | string[]>; body: string }>;
}

const TYPES: Record<string, string> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.webmanifest': 'application/manifest+json',
  '.txt': 'text/plain; charset=utf-8',
};

/** Serves the built assets under /assets: their names hold a hash of their bytes, so they never change. */
export function serveAssets(folder: string): RequestHandler {
  // Express 5 hands a rejected promise to the error handler.
  return async (req: Request, res: Response, next: NextFunction): Promise<void> => {
    const name = req.path.replace(/^\/+/, '');
    const path = join(folder, 'assets', name);
    const info = /^[\w.-]+(\/[\w.-]+)*$/.test(name) && !name.includes('..') ? await fileAt(path) : undefined;
    if (!info) return next();
    // The build put a compressed copy beside what compresses.
    const packed = takesBrotli(req) ? await fileAt(`${path}.br`) : undefined;
    if (packed) res.setHeader('content-encoding', 'br');
    res.setHeader('vary', 'accept-encoding');
    res.setHeader('content-type', TYPES[extname(name)] ?? 'application/octet-stream');
    res.setHeader('content-length', (packed ?? info).size);
    const hashed = /-[\w-]{8,}\.\w+$/.test(name);
    res.setHeader('cache-control', hashed ? 'public, max-age=31536000, immutable' : 'public, max-age=300');
    res.setHeader('x-content-type-options', 'nosniff');
    if (req.method === 'HEAD') {
      res.end();
      return;
    }
    createReadStream(packed ? `${path}.br` : path)
      .on('error', () => res.destroy())
      .pipe(res);
  };
}

async function fileAt(path: string): Promise<Stats | undefined> {
  try {
    const info = await stat(path);
    return info.isFile() ? info : undefined;
  } catch {
    return undefined;
  }
}

const takesBrotli = (req: Request): boolean => /\bbr\b/.test(req.get('accept-encoding') ?? '');
const brotli = promisify(brotliCompress);
/** Level 4: a page is a quarter of its size within a millisecond; higher levels take longer than they save. */
const PAGE_BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };

const NOT_PAGES = /^\/(graphql|agent|stripe|health|metrics|log|assets|reports\/|checkpoints)(\/|$)/;

/**
 * The pages of the dashboard: whatever no other controller answers. Last of all modules, so that its catch-all comes
 * last. Pages ask the same GraphQL that programs ask, so a page can show nothing the API would not.
 */
@Controller()
export class PagesController {
  private dashboard: Promise<Dashboard | undefined> | undefined;

  constructor(
    private readonly config: Config,
    private readonly graphql: PageGraphql,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  // Express 5's wildcard does not match the bare root.
  @All(['/', '*path'])
  async page(
    @Req() req: Request & { rawBody?: Buffer },
    @Res() res: Response,
    @Next() next: NextFunction,
  ): Promise<void> {
    // Apollo is mounted after the controllers.
    if (req.path === '/graphql') return next();
    this.dashboard ??= this.load();
    const dashboard = await this.dashboard;
    const isPage = /^(GET|HEAD|POST)$/.test(req.method) && !NOT_PAGES.test(req.path);
    if (!dashboard || !isPage) throw new NotFoundException();
    const nonce = randomBytes(16).toString('base64');
    const headers = Object.fromEntries(
      Object.entries(req.headers).flatMap(([k, v]) => (typeof v === 'string' ? [[k, v]] : [])),
    );
    const body = req.rawBody ? { body: req.rawBody.toString('utf8') } : {};
    const request = { method: req.method, url: req.originalUrl, headers, ...body };
    const page = await dashboard.handle(request, {
      graphql: (...operation) => this.graphql.ask(...operation),
      nonce,
    });
    res.status(page.status);
    res.setHeader('content-security-policy', policy(nonce, this.config.stripe.apiBase?.origin ?? ''));
    res.setHeader('referrer-policy', 'strict-origin-when-cross-origin');
    res.setHeader('x-content-type-options', 'nosniff');
    for (const [name, value] of Object.entries(page.headers)) res.setHeader(name, value);
    res.vary('accept-encoding');
    if (page.body.length < 1024 || !takesBrotli(req)) return void res.send(page.body);
    res.setHeader('content-encoding', 'br').send(await brotli(page.body, PAGE_BROTLI));
  }

  private async load(): Promise<Dashboard | undefined> {
    const folder = dashboardFolder(this.config);
    const entry = join(folder, 'server', 'entry-server.js');
    if (!existsSync(entry)) {
      this.logger.warn('the dashboard is not built; run "npm run build"');
      return undefined;
    }
    const module = (await import(pathToFileURL(entry).href)) as { createDashboard(options: object): Dashboard };
    const manifest = join(folder, 'client', '.vite', 'manifest.json');
    const clientManifest: unknown = existsSync(manifest) ? JSON.parse(await readFile(manifest, 'utf8')) : {};
    return module.createDashboard({
      clientManifest,
      assetBase: '/assets/',
      onError: (error: unknown) => this.logger.error({ err: error }, 'a page could not be made'),
    });
  }
}

@Module({ imports: [IdentityModule], controllers: [UpdatesFeedController, PagesController], providers: [PageGraphql] })
export class PagesModule {}

/** Where the build puts the dashboard. */
export const dashboardFolder = (config: Config): string => join(config.packageRoot, 'dist', 'dashboard');

const policy = (nonce: string, stripeBase: string) =>
  [
    "default-src 'none'",
    `script-src 'self' 'nonce-${nonce}' https://js.stripe.com`,
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "font-src 'self'",
    `connect-src 'self' ws: wss: https://api.stripe.com ${stripeBase}`,
    'frame-src https://js.stripe.com https://hooks.stripe.com',
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
