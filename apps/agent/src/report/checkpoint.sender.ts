import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { messages } from '#protocol';
import { endpoint, untilAnswered, type Answer, type PlatformClient } from '../session/platform.client.js';

export interface PendingCheckpoint {
  step: number;
  tokens: number;
  loss: number;
  /** Complete folder below the lease's output folder. */
  dir: string;
  outDir: string;
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** Files of a checkpoint folder with size and hash, sorted by path. Links are not followed: they could point outside. */
async function describeCheckpoint(folder: string): Promise<messages.CheckpointFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => {
        const path = join(entry.parentPath, entry.name);
        return {
          path: relative(folder, path).split(sep).join('/'),
          bytes: (await stat(path)).size,
          sha256: await sha256Of(path),
        };
      }),
  );
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/**
 * Declares a checkpoint, sends the files that the platform lacks, and completes it; each call is repeated while the
 * platform is away, and each may be repeated: declaring again answers the same checkpoint. The local copy is removed
 * once the platform has it.
 */
export async function sendCheckpoint(
  client: PlatformClient,
  leaseId: string,
  token: number,
  pending: PendingCheckpoint,
  signal: AbortSignal,
): Promise<Answer<unknown>> {
  const folder = resolve(pending.outDir, pending.dir);
  if (!folder.startsWith(pending.outDir + sep))
    return failed('AGENT_CHECKPOINT_OUTSIDE', `${pending.dir} is not below the output folder.`);
  let files: messages.CheckpointFile[];
  try {
    files = await describeCheckpoint(folder);
  } catch (error) {
    return failed('AGENT_CHECKPOINT_UNREADABLE', (error as Error).message);
  }
  const { step, tokens, loss } = pending;
  const declaration = messages.CheckpointDeclare.safeParse({ token, step, tokens, loss, files });
  if (!declaration.success)
    return failed('AGENT_CHECKPOINT_INVALID', declaration.error.issues[0]?.message ?? 'not a checkpoint');

  const path = endpoint(`/leases/${leaseId}/checkpoints`);
  const declared = await untilAnswered(
    () => client.post(path, declaration.data, messages.CheckpointDeclared, signal),
    signal,
  );
  if (!declared.ok) return declared;
  for (const upload of declared.value.uploads) {
    const file = files.find((candidate) => candidate.path === upload.path);
    if (!file)
      return failed('AGENT_CHECKPOINT_UNKNOWN_FILE', `The platform asks for ${upload.path}, which was not declared.`);
    const sent = await untilAnswered(
      () => client.upload(upload.url, join(folder, file.path), file.sha256, signal),
      signal,
    );
    if (!sent.ok) return sent;
  }
  const complete = endpoint(`/checkpoints/${declared.value.checkpointId}/complete`);
  const completed = await untilAnswered(
    () => client.post(complete, { token }, messages.Acknowledged.partial(), signal),
    signal,
  );
  if (completed.ok) await rm(folder, { recursive: true, force: true });
  return completed;
}

const failed = (code: string, message: string): Answer<never> => ({ ok: false, away: false, status: 0, code, message });
