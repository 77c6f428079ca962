import { join } from 'node:path';
import type { messages } from '#protocol';
import { untilAnswered, type Answer, type PlatformClient } from '../session/platform.client.js';

const TRIES = 3;

/** Fetches a restore point into `folder`; every file is there with the declared hash, or the answer says which is not. */
export async function fetchRestorePoint(
  client: PlatformClient,
  restore: messages.RestorePoint,
  folder: string,
  signal: AbortSignal,
): Promise<Answer<void>> {
  for (const file of restore.files) {
    let answer: Answer<void> = { ok: true, value: undefined };
    for (let attempt = 0; attempt < TRIES; attempt++) {
      answer = await untilAnswered(() => client.download(file.url, join(folder, file.path), file, signal), signal);
      // Bytes that don't match may have been damaged on the way; anything else won't change by asking again.
      if (answer.ok || answer.away || answer.code !== 'AGENT_DOWNLOAD_MISMATCH') break;
    }
    if (!answer.ok) return answer;
  }
  return { ok: true, value: undefined };
}
