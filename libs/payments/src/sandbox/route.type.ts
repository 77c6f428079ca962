import type { Params } from './form.codec.js';
import type { SandboxWorld } from './sandbox.world.js';

interface Call {
  readonly world: SandboxWorld;
  readonly params: Params;
  /** What stands at `:id` of the path, or ''. */
  readonly id: string;
  /** What stands at `:sub` of the path, or ''. */
  readonly sub: string;
  /** Called from a browser with a publishable key. */
  readonly publishable: boolean;
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly pattern: string;
  /** A publishable key is enough. */
  readonly browser?: true;
  readonly handle: (call: Call) => object;
}
