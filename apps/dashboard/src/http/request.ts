/** What a page sees of one HTTP request, and what it answers: plain values, so that the pages need no web framework. */
import type { ComponentChildren, VNode } from 'preact';

export interface DashboardRequest {
  method: string;
  url: string;
  headers: Record<string, string | undefined>;
  body?: string;
}
export interface DashboardResponse {
  status: number;
  headers: Record<string, string | string[]>;
  body: string;
}
export interface GraphQLAnswer {
  data?: unknown;
  errors?: { message: string; extensions?: { code?: unknown } }[];
  setCookies?: string[];
}
export interface DashboardDeps {
  graphql(query: string, variables: object, headers: { cookie?: string }): Promise<GraphQLAnswer>;
  nonce: string;
}

export type Theme = 'light' | 'dark' | 'system';

/** The signed-in person as the page frame needs her; null for everybody else. */
export interface FrameViewer {
  displayName: string;
  pseudonym: string;
  platformRoles: string[];
  /** Messages that she has not read; 100 stands for 100 or more. */
  unread: number;
}

export interface PageContext {
  url: URL;
  /** `https://host`, as the browser sees it. */
  origin: string;
  method: string;
  form: URLSearchParams;
  theme: Theme;
  now: number;
  signedIn: boolean;
  /** Asks the API as this browser; answers that set cookies are remembered and sent with the response. */
  ask<T>(query: string, variables?: object): Promise<Answer<T>>;
  viewer: Promise<FrameViewer | null>;
  /** Address of the script that checks reports in the browser; null when the build has none. */
  verifierUrl: string | null;
}

export interface Answer<T> {
  data: T | null;
  /** Human-readable messages of the errors that came with it; empty when all is well. */
  problems: string[];
  /** True when the API refused because nobody (or the wrong person) is signed in. */
  forbidden: boolean;
}

export interface Page {
  kind: 'page';
  status?: number;
  title: string;
  description?: string;
  body: VNode | ComponentChildren;
  /** Names of `src/islands/<name>.entry.ts(x)` that this page hydrates. */
  islands?: string[];
  /** Which entry of the main menu is current. */
  section?: string;
  /** Messages of a partly failed load, shown above the page. */
  problems?: string[];
}
export interface Redirect {
  kind: 'redirect';
  to: string;
}
export type Result = Page | Redirect;

export const page = (value: Omit<Page, 'kind'>): Page => ({ kind: 'page', ...value });
export const redirect = (to: string): Redirect => ({ kind: 'redirect', to });

/** Only paths of this site: an open redirect would lend our name to a phisher. */
export function safeReturn(path: string | null | undefined): string {
  return path && /^\/(?![/\\])[^\s\\]*$/.test(path) ? path : '/';
}

export function parseCookies(header: string | undefined): Map<string, string> {
  const jar = new Map<string, string>();
  for (const part of (header ?? '').split(';')) {
    const at = part.indexOf('=');
    if (at > 0) jar.set(part.slice(0, at).trim(), part.slice(at + 1).trim());
  }
  return jar;
}
