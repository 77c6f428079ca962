import type { Viewer } from '../viewer.js';

/** What every resolver gets as its context. */
export interface GraphQLContext {
  readonly viewer: Viewer;
  readonly requestId: string;
  /** Loaders of this request, made on first use and keyed by name. */
  readonly loaders: Map<string, unknown>;
  /** Cookies to set on the answer; only mutations that sign in or out use it. */
  readonly setCookie: (cookie: string) => void;
}
