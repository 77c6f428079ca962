/** A GraphQL error that will not go away by asking again. */
export class ApiError extends Error {}

const RETRY_FOR_MS = 120_000;

/**
 * A client of the public API, as any program would write one. It asks again while the API is away: every mutation of
 * the main job carries a key, or leads to the same state, so asking twice does no harm.
 */
export class ApiClient {
  constructor(
    readonly url: string,
    private readonly signal: AbortSignal,
    private readonly token?: string,
  ) {}

  as(token: string): ApiClient {
    return new ApiClient(this.url, this.signal, token);
  }

  /** Data of the operation. Throws an `ApiError` for what the API refused, a plain error when it stayed away. */
  async query<T>(query: string, variables: object = {}): Promise<T> {
    const response = await this.persist(() =>
      fetch(`${this.url}/graphql`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(this.token ? { authorization: `Bearer ${this.token}` } : {}),
        },
        body: JSON.stringify({ query, variables }),
        signal: AbortSignal.any([this.signal, AbortSignal.timeout(20_000)]),
      }),
    );
    const body = (await response.json()) as { data?: T; errors?: { message: string }[] };
    if (body.errors?.[0]) throw new ApiError(body.errors[0].message);
    return body.data as T;
  }

  /** The payload of a mutation. Throws an `ApiError` with the code when it was refused. */
  async mutate<T>(
    name: string,
    input: object,
    selection: string,
    type = `${name.charAt(0).toUpperCase()}${name.slice(1)}Input`,
  ): Promise<T> {
    const data = await this.query<
      Record<string, T & { userErrors: { code: string; message: string; hint: string | null }[] }>
    >(`mutation Play($input: ${type}!) { ${name}(input: $input) { ${selection} userErrors { code message hint } } }`, {
      input,
    });
    const payload = data[name];
    const refused = payload?.userErrors[0];
    if (!payload || refused)
      throw new ApiError(
        refused ? `${refused.code}: ${refused.message} ${refused.hint ?? ''}` : `${name} gave nothing`,
      );
    return payload;
  }

  /** A request that is made again while the other side is away or answers 5xx. */
  async persist(request: () => Promise<Response>): Promise<Response> {
    const deadline = Date.now() + RETRY_FOR_MS;
    for (;;) {
      try {
        const response = await request();
        if (response.status < 500) {
          if (response.headers.get('content-type')?.includes('json')) {
            const text = await response.clone().text();
            if (!text.includes('INTERNAL_SERVER_ERROR')) return response;
          } else return response;
        }
        if (Date.now() > deadline) throw new Error(`${response.url} keeps answering ${response.status}`);
      } catch (error) {
        if (this.signal.aborted || Date.now() > deadline) throw error;
      }
      await pause(300, this.signal);
    }
  }
}

export const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const abort = () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', abort);
      resolve();
    }, ms);
    signal.addEventListener('abort', abort, { once: true });
  });

/** Asks until the answer satisfies, or the time is over. */
export async function until<T>(
  what: string,
  signal: AbortSignal,
  ask: () => Promise<T>,
  satisfied: (value: T) => boolean,
  timeoutMs = 180_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await ask();
    if (satisfied(value)) return value;
    if (Date.now() > deadline) throw new ApiError(`${what} did not happen within ${timeoutMs / 1000} s`);
    await pause(250, signal);
  }
}
