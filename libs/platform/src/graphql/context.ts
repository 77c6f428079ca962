import type { Viewer } from '../viewer.js';

/** What every resolver gets as its context. */
export interface GraphQLContext {
  readonly viewer: Viewer;
  readonly requestId: string;
  /** The session's secret, where the request carries one: signing out needs it. */
  readonly sessionSecret: string | undefined;
  /** Loaders of this request, made on first use and keyed by name. */
  readonly loaders: Map<string, unknown>;
  /** Cookies to set on the answer; only mutations that sign in or out use it. */
  readonly setCookie: (cookie: string) => void;
}
