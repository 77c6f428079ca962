import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { newId } from '#kernel';

/** Thrown when the bytes received are not the bytes announced. Nothing is kept. */
export class DigestMismatch extends Error {
  constructor(
    readonly expected: string,
    readonly actual: string,
  ) {
    super(`The bytes hash to ${actual}, not to ${expected}.`);
  }
}

/**
 * Files by content: the name of a file is the SHA-256 of its bytes, so nothing is ever overwritten and a wrong byte is
 * found on the way in. A file is written beside its place, flushed to disk and then renamed into it.
 */
export class FileStore {
  constructor(private readonly folder: string) {}

  /** Stores the bytes. With `sha256` given (lower-case hex), refuses other bytes by {@link DigestMismatch}. */
  async put(
    source: Readable | Uint8Array,
    expected: { sha256?: string } = {},
  ): Promise<{ sha256: string; bytes: number }> {
    // A source that breaks before anybody reads it would bring the process down; the pipeline tells of it below.
    if (!(source instanceof Uint8Array)) source.on('error', () => undefined);
    const incoming = join(this.folder, 'incoming');
    await mkdir(incoming, { recursive: true });
    const temporary = join(incoming, newId());
    const hash = createHash('sha256');
    let bytes = 0;
    const meter = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk);
        bytes += chunk.length;
        done(null, chunk);
      },
    });
    try {
      const input = source instanceof Uint8Array ? [source] : source;
      await pipeline(input, meter, createWriteStream(temporary, { flags: 'wx' }));
      const sha256 = hash.digest('hex');
      if (expected.sha256 !== undefined && expected.sha256 !== sha256)
        throw new DigestMismatch(expected.sha256, sha256);
      const handle = await open(temporary, 'r+');
      await handle.sync();
      await handle.close();
      const path = this.pathOf(sha256);
      await mkdir(join(path, '..'), { recursive: true });
      await rename(temporary, path);
      await syncFolder(join(path, '..'));
      return { sha256, bytes };
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  /** A stream of the file, or of a byte range of it (both ends inclusive); undefined when it isn't here. */
  async open(
    sha256: string,
    range?: { start: number; end: number },
  ): Promise<{ stream: Readable; bytes: number } | undefined> {
    const size = await this.size(sha256);
    if (size === undefined) return undefined;
    return { stream: createReadStream(this.pathOf(sha256), range ?? {}), bytes: size };
  }

  async size(sha256: string): Promise<number | undefined> {
    if (!/^[0-9a-f]{64}$/.test(sha256)) return undefined;
    try {
      return (await stat(this.pathOf(sha256))).size;
    } catch (error) {
      if ((error as { code?: string }).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  private pathOf(sha256: string): string {
    return join(this.folder, sha256.slice(0, 2), sha256);
  }
}

/** A renamed file survives a power cut only once its folder is on disk too. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
