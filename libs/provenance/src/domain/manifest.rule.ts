import { createHash } from 'node:crypto';
import { canonicalJson } from '#kernel';

export interface ManifestInput {
  readonly runId: string;
  readonly attemptId: string;
  readonly parentId: string | null;
  readonly step: bigint;
  readonly tokens: bigint;
  readonly loss: number;
  readonly files: readonly { readonly path: string; readonly bytes: number; readonly sha256: string }[];
}

/**
 * The manifest of a checkpoint: canonical JSON (RFC 8785) of what it is and of each file's size and SHA-256, files in the
 * order of their paths. Its SHA-256 names the whole checkpoint: the same content has the same name on every machine.
 */
export function checkpointManifest(input: ManifestInput): { manifest: string; sha256: string } {
  const manifest = canonicalJson({
    format: 'commonweights-checkpoint/1',
    runId: input.runId,
    attemptId: input.attemptId,
    parent: input.parentId,
    step: String(input.step),
    tokens: String(input.tokens),
    loss: input.loss,
    files: [...input.files]
      .sort((a, b) => (a.path < b.path ? -1 : 1))
      .map(({ path, bytes, sha256 }) => ({ path, bytes: String(bytes), sha256 })),
  });
  return { manifest, sha256: createHash('sha256').update(manifest).digest('hex') };
}
