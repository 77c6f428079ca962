/**
 * Live answers: GraphQL over WebSocket (the `graphql-transport-ws` protocol, the few messages we need), and, where no
 * socket can be had, the same question asked again every few seconds. Callers see only the answers.
 */
interface Question<T> {
  query: string;
  subscription: string;
  variables: object;
  /** Picks the object out of an answer to either document. */
  read: (data: Record<string, T | null | undefined>) => T | null | undefined;
  onAnswer(value: T): void;
  onState?(state: LiveState): void;
}
export type LiveState = 'connecting' | 'live' | 'polling' | 'offline';

const pollMs = 4000;

export async function askApi<T>(query: string, variables: object): Promise<T> {
  const answer = await fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json, application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await answer.json();
  if (!data) throw new Error(errors?.[0]?.message ?? `The API answered ${answer.status}.`);
  return data as T;
}

export function follow<T>(question: Question<T>): () => void {
  let stopped = false;
  let socket: WebSocket | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  const report = (state: LiveState) => question.onState?.(state);
  const take = (data: Record<string, T | null | undefined> | null | undefined) => {
    const value = data ? question.read(data) : null;
    if (value) question.onAnswer(value);
  };

  const poll = async () => {
    if (stopped) return;
    try {
      if (!document.hidden) take(await askApi<Record<string, T | null>>(question.query, question.variables));
      report('polling');
    } catch {
      report('offline');
    }
    timer = setTimeout(failures < 4 ? open : poll, pollMs);
  };

  const open = () => {
    if (stopped) return;
    let refused = false;
    socket = new WebSocket(
      `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/graphql`,
      'graphql-transport-ws',
    );
    socket.onopen = () => socket?.send('{"type":"connection_init"}');
    socket.onmessage = (message) => {
      const { type, payload } = JSON.parse(message.data);
      if (type === 'connection_ack') {
        socket?.send(
          JSON.stringify({
            id: '1',
            type: 'subscribe',
            payload: { query: question.subscription, variables: question.variables },
          }),
        );
        report('live');
        // What happened between the page and the subscription would be lost otherwise.
        void askApi<Record<string, T | null>>(question.query, question.variables).then(take, () => undefined);
      } else if (type === 'ping') socket?.send('{"type":"pong"}');
      else if (type === 'next') {
        failures = 0;
        take(payload.data);
      } else if (type === 'error' || type === 'complete') {
        refused = true;
        socket?.close();
      }
    };
    socket.onclose = () => {
      if (stopped) return;
      failures = refused ? 4 : failures + 1;
      void poll();
    };
  };

  open();
  return () => {
    stopped = true;
    clearTimeout(timer);
    socket?.close();
  };
}
