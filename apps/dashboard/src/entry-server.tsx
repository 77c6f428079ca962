/**
 * The door of the dashboard. The API imports the built file, gives it the manifest of the client build and a way to run
 * GraphQL, and passes each page request to `handle`. Nothing here knows Nest, Express or a database: a page is what the
 * public GraphQL schema can say.
 */
import { render } from 'preact-render-to-string';
import type {
  Answer,
  DashboardDeps,
  DashboardRequest,
  DashboardResponse,
  FrameViewer,
  Page,
  PageContext,
  Theme,
} from './http/request.js';
import { parseCookies, redirect } from './http/request.js';
import { assetsOf, type ClientManifest } from './http/assets.js';
import type { Person } from './api/shapes.js';
import { viewerQuery } from './api/documents.js';
import { findRoute } from './routes.js';
import { Document } from './parts/document.js';
import { failurePage, notFoundPage } from './pages/problem.page.js';

/** Written in by the build: the text of the stylesheet that the client build made. */
declare const STYLESHEET_TEXT: string;

export interface DashboardOptions {
  /** Parsed `dist/dashboard/client/manifest.json`. */
  clientManifest: ClientManifest;
  /** Where the API serves `dist/dashboard/client`, with a slash at the end: `/assets/`. */
  assetBase: string;
  /** Hears of pages that could not be made; the visitor gets a 500 page either way. */
  onError?: (error: unknown) => void;
}

export function createDashboard(options: DashboardOptions): {
  handle(request: DashboardRequest, deps: DashboardDeps): Promise<DashboardResponse>;
} {
  const assets = assetsOf(options.clientManifest, options.assetBase);

  async function handle(request: DashboardRequest, deps: DashboardDeps): Promise<DashboardResponse> {
    const host = request.headers['x-forwarded-host'] ?? request.headers.host ?? 'localhost';
    const scheme = request.headers['x-forwarded-proto'] ?? 'http';
    const url = new URL(request.url, `${scheme}://${host}`);
    const cookie = request.headers.cookie;
    const jar = parseCookies(cookie);
    const setCookies: string[] = [];
    const signedIn = jar.has('cw_session');
    const method = request.method.toUpperCase();

    if (method !== 'GET' && method !== 'HEAD' && method !== 'POST') {
      return plain(405, 'Only GET, HEAD and POST are answered here.', { allow: 'GET, HEAD, POST' });
    }
    if (method === 'POST' && !sameSite(request, url.host)) {
      return plain(403, 'This form was sent from another site. Open the page here and send it again.');
    }

    const ask = async <T,>(query: string, variables: object = {}): Promise<Answer<T>> => {
      const answer = await deps.graphql(query, variables, cookie === undefined ? {} : { cookie });
      setCookies.push(...(answer.setCookies ?? []));
      const errors = answer.errors ?? [];
      const codes = errors.map((error) => (typeof error.extensions?.code === 'string' ? error.extensions.code : ''));
      if (method !== 'POST' && codes.some((code) => code === 'ID_INVALID' || code === 'BAD_USER_INPUT')) {
        throw new WrongAddress();
      }
      return {
        data: (answer.data ?? null) as T | null,
        problems: errors.map((error) => error.message),
        forbidden: codes.some((code) => /UNAUTHENTICATED|FORBIDDEN|UNAUTHORIZED|SCOPE/.test(code)),
      };
    };

    const viewer: Promise<FrameViewer | null> = signedIn ? loadViewer(ask) : Promise.resolve(null);
    const theme = themeOf(jar.get('cw_theme'));
    const context: PageContext = {
      url,
      origin: url.origin,
      method,
      form: new URLSearchParams(method === 'POST' ? (request.body ?? '') : ''),
      theme,
      now: Date.now(),
      signedIn,
      ask,
      viewer,
      verifierUrl: assets.module('../../libs/reports/src/browser.ts'),
    };

    if (method === 'POST' && url.pathname === '/preferences/theme') {
      const chosen = themeOf(context.form.get('theme') ?? undefined);
      const back = refererPath(request.headers.referer, url.host);
      return moved(back, [`cw_theme=${chosen}; Path=/; Max-Age=31536000; SameSite=Lax`]);
    }

    let result: Page | ReturnType<typeof redirect>;
    try {
      const route = findRoute(method, url.pathname);
      result = route ? await route.load(context, route.params) : notFoundPage();
    } catch (error) {
      if (error instanceof WrongAddress) result = notFoundPage();
      else {
        // A page that can't be made is a bug or an API that is away; the visitor gets a page, the operator the stack.
        options.onError?.(error);
        result = failurePage();
      }
    }
    if (result.kind === 'redirect') return moved(result.to, setCookies);

    const body = render(
      <Document
        page={result}
        assets={assets}
        theme={theme}
        viewer={await viewer.catch(() => null)}
        path={url.pathname + url.search}
        inlineStyle={comesFromHere(request, url.host) ? null : { text: STYLESHEET_TEXT, nonce: deps.nonce }}
      />,
    );
    return {
      status: result.status ?? 200,
      headers: {
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'private, no-cache',
        'referrer-policy': 'strict-origin-when-cross-origin',
        'x-content-type-options': 'nosniff',
        vary: 'Cookie',
        ...(setCookies.length > 0 ? { 'set-cookie': setCookies } : {}),
      },
      body: method === 'HEAD' ? '' : `<!doctype html>${body}`,
    };
  }

  return { handle };
}

/** An id or a cursor in the address that the API never gave. */
class WrongAddress extends Error {}

async function loadViewer(ask: PageContext['ask']): Promise<FrameViewer | null> {
  const { data } = await ask<{
    viewer: { contributor: Person; platformRoles?: string[] } | null;
    notificationUnreadCount: number | null;
  }>(viewerQuery);
  if (!data?.viewer) return null;
  const { contributor, platformRoles } = data.viewer;
  return {
    displayName: contributor.displayName,
    pseudonym: contributor.pseudonym,
    platformRoles: platformRoles ?? [],
    unread: data.notificationUnreadCount ?? 0,
  };
}

function themeOf(value: string | undefined): Theme {
  return value === 'light' || value === 'dark' ? value : 'system';
}

/** Browsers say where a form comes from; a request that says nothing comes from no browser and carries no cookie. */
function sameSite(request: DashboardRequest, host: string): boolean {
  const site = request.headers['sec-fetch-site'];
  if (site) return site === 'same-origin' || site === 'none';
  const origin = request.headers.origin;
  return !origin || URL.parse(origin)?.host === host;
}

/**
 * Whether the visitor was on a page of ours just before. If not, the page carries its stylesheet and saves a round trip
 * before the first paint; from then on the browser has the stylesheet's file.
 */
function comesFromHere(request: DashboardRequest, host: string): boolean {
  const { referer } = request.headers;
  return referer !== undefined && URL.parse(referer)?.host === host;
}

function refererPath(referer: string | undefined, host: string): string {
  const from = referer ? URL.parse(referer) : null;
  return from && from.host === host ? from.pathname + from.search : '/';
}

function plain(status: number, text: string, headers: Record<string, string> = {}): DashboardResponse {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers }, body: `${text}\n` };
}

function moved(to: string, cookies: string[]): DashboardResponse {
  return {
    status: 303,
    headers: { location: to, 'cache-control': 'no-store', ...(cookies.length > 0 ? { 'set-cookie': cookies } : {}) },
    body: '',
  };
}
