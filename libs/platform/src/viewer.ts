/** What a personal API token may be allowed to do. A signed-in session may do all of them. */
export const SCOPES = [
  'profile:write',
  'project:write',
  'campaign:write',
  'campaign:review',
  'pledge:write',
  'node:write',
  'run:write',
  'report:publish',
] as const;
export type Scope = (typeof SCOPES)[number];

export type PlatformRole = 'operator' | 'regulator';

/** Who asks. `scopes: 'all'` is a signed-in session; a token carries just what it was given. */
export type Viewer =
  | { readonly kind: 'anonymous' }
  | {
      readonly kind: 'contributor';
      readonly contributorId: string;
      /** The id that public records use; the link to the person is erasable. */
      readonly pseudonym: string;
      readonly displayName: string;
      readonly scopes: ReadonlySet<Scope> | 'all';
      readonly platformRoles: ReadonlySet<PlatformRole>;
    };

export const ANONYMOUS: Viewer = { kind: 'anonymous' };

/** Finds out who asks from the headers of an HTTP request or a WebSocket's parameters. Implemented by identity. */
export interface ViewerResolver {
  resolve(credentials: { authorization?: string | undefined; cookie?: string | undefined }): Promise<Viewer>;
}
export const VIEWER_RESOLVER = Symbol('VIEWER_RESOLVER');
