import { createHash } from 'node:crypto';
import { createWriteStream, openAsBlob } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { z } from 'zod';
import { AGENT_BASE_PATH, messages, signRequest, type NodeKey } from '#protocol';
import { backOffMs } from './back-off.js';

/** `away`: no answer that means anything (no connection, time-out, 5xx, 429), so the same call may be tried again. */
export type Answer<T> =
  | { ok: true; value: T }
  | { ok: false; away: true; why: string }
  | { ok: false; away: false; status: number; code: string; message: string; hint?: string | undefined };

export type Method = 'GET' | 'POST' | 'PUT';
const REQUEST_TIMEOUT_MS = 15_000;
const TRANSFER_TIMEOUT_MS = 30 * 60_000;

/** Speaks to one platform as one node: signs, parses, and learns the platform's clock where ours is wrong. */
export class PlatformClient {
  /** Platform's clock minus ours, used for `created` only. */
  private clockOffsetMs = 0;

  constructor(
    readonly server: string,
    readonly keyId: string,
    private readonly key: NodeKey,
  ) {}

  post<T>(path: string, body: unknown, schema: z.ZodType<T>, signal?: AbortSignal): Promise<Answer<T>> {
    return this.json('POST', path, body, schema, signal);
  }

  /** Sends a file's bytes; `url` is a path on the platform or an absolute URL of its storage, which is not signed. */
  async upload(url: string, file: string, sha256: string, signal: AbortSignal): Promise<Answer<void>> {
    const answer = await this.send(
      'PUT',
      url,
      { body: await openAsBlob(file), sha256 },
      AbortSignal.any([signal, AbortSignal.timeout(TRANSFER_TIMEOUT_MS)]),
    );
    if (!answer.ok) return answer;
    await answer.value.body?.cancel();
    return { ok: true, value: undefined };
  }

  /** Fetches a file into `to`, which exists only once its size and hash are right. */
  async download(
    url: string,
    to: string,
    expected: { sha256: string; bytes: number },
    signal: AbortSignal,
  ): Promise<Answer<void>> {
    const answer = await this.send(
      'GET',
      url,
      null,
      AbortSignal.any([signal, AbortSignal.timeout(TRANSFER_TIMEOUT_MS)]),
    );
    if (!answer.ok) return answer;
    const hash = createHash('sha256');
    let bytes = 0;
    const measure = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        bytes += chunk.length;
        hash.update(chunk);
        done(bytes > expected.bytes ? new Error('more bytes than declared') : null, chunk);
      },
    });
    try {
      await mkdir(dirname(to), { recursive: true });
      await pipeline(
        Readable.fromWeb((answer.value.body ?? new Blob([]).stream()) as never),
        measure,
        createWriteStream(`${to}.part`),
        { signal },
      );
    } catch (error) {
      await rm(`${to}.part`, { force: true });
      if (bytes <= expected.bytes) return { ok: false, away: true, why: (error as Error).message };
    }
    const actual = hash.digest('hex');
    if (bytes !== expected.bytes || actual !== expected.sha256) {
      await rm(`${to}.part`, { force: true });
      const message = `${url} gave ${bytes} bytes with SHA-256 ${actual}, not ${expected.bytes} with ${expected.sha256}.`;
      return { ok: false, away: false, status: 0, code: 'AGENT_DOWNLOAD_MISMATCH', message };
    }
    await rename(`${to}.part`, to);
    return { ok: true, value: undefined };
  }

  private async json<T>(
    method: Method,
    path: string,
    body: unknown,
    schema: z.ZodType<T>,
    signal?: AbortSignal,
  ): Promise<Answer<T>> {
    const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    const text = Buffer.from(JSON.stringify(body));
    const answer = await this.send(method, path, { body: text }, signal ? AbortSignal.any([signal, timeout]) : timeout);
    if (!answer.ok) return answer;
    try {
      return { ok: true, value: schema.parse(await answer.value.json()) };
    } catch (error) {
      return {
        ok: false,
        away: true,
        why: `the answer of ${path} cannot be read: ${(error as Error).message.slice(0, 300)}`,
      };
    }
  }

  private async send(
    method: Method,
    url: string,
    content: { body: Buffer | Blob; sha256?: string } | null,
    signal: AbortSignal,
    again = true,
  ): Promise<Answer<Response>> {
    const target = new URL(url.startsWith('/') || /^https?:/.test(url) ? url : `/${url}`, this.server);
    const isPlatform = target.origin === new URL(this.server).origin;
    const headers: Record<string, string> = isPlatform ? this.signed(method, target, content) : {};
    if (content)
      headers['content-type'] = content.body instanceof Blob ? 'application/octet-stream' : 'application/json';
    let response: Response;
    try {
      response = await fetch(target, {
        method,
        headers,
        redirect: 'error',
        signal,
        ...(content ? { body: content.body } : {}),
      });
    } catch (error) {
      const cause = (error as { cause?: { code?: string; message?: string } }).cause;
      return {
        ok: false,
        away: true,
        why: `${this.server} does not answer (${cause?.code ?? cause?.message ?? (error as Error).message})`,
      };
    }
    if (response.ok) return { ok: true, value: response };
    const text = await response.text().catch(() => '');
    if (response.status >= 500 || response.status === 429)
      return { ok: false, away: true, why: `${this.server} answers ${response.status}` };
    const refusal = messages.ErrorBody.safeParse(parseJson(text));
    if (!refusal.success) {
      const message = `${target.pathname} answers ${response.status} without saying why: is ${this.server} a Commonweights platform?`;
      return { ok: false, away: false, status: response.status, code: 'AGENT_ANSWER_FOREIGN', message };
    }
    const { code, message, hint, serverTime } = refusal.data.error;
    if (code === 'AGENT_SIGNATURE_LATE' && serverTime && again) {
      this.clockOffsetMs = Date.parse(serverTime) - Date.now();
      return this.send(method, url, content, signal, false);
    }
    return { ok: false, away: false, status: response.status, code, message, hint };
  }

  private signed(
    method: Method,
    target: URL,
    content: { body: Buffer | Blob; sha256?: string } | null,
  ): Record<string, string> {
    const body =
      content?.sha256 !== undefined
        ? { sha256: content.sha256 }
        : ((content?.body as Buffer | undefined) ?? Buffer.alloc(0));
    const now = new Date(Date.now() + this.clockOffsetMs);
    return signRequest({
      method,
      target: `${target.pathname}${target.search}`,
      body,
      keyId: this.keyId,
      key: this.key,
      now,
    });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Path of an endpoint. */
export const endpoint = (path: string): string => `${AGENT_BASE_PATH}${path}`;

/** Repeats a call while the platform is away, until it answers or `signal` aborts. */
export async function untilAnswered<T>(call: () => Promise<Answer<T>>, signal: AbortSignal): Promise<Answer<T>> {
  for (let failures = 0; ; failures++) {
    const answer = await call();
    if (answer.ok || !answer.away || signal.aborted) return answer;
    await sleep(backOffMs(failures, 200, 5_000, Math.random()), undefined, { signal }).catch(() => undefined);
  }
}
