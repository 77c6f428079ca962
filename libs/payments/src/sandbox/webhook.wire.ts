import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

const ANSWER_MS_MAX = 10_000;

/** Why a delivery was not taken. `away`: nobody answered at all. */
export interface Failure {
  readonly note: string;
  readonly away: boolean;
}

/** Posts over connections that are kept open, as many as there may be deliveries under way. */
export class WebhookWire {
  readonly #http: HttpAgent;
  readonly #https: HttpsAgent;

  constructor(connections: number) {
    const options = { keepAlive: true, maxSockets: connections, maxFreeSockets: connections };
    this.#http = new HttpAgent(options);
    this.#https = new HttpsAgent(options);
  }

  close(): void {
    this.#http.destroy();
    this.#https.destroy();
  }

  /** @returns why the delivery was not taken, or `undefined` for an answer of 2xx. Never throws. */
  post(address: string, payload: string, headers: Record<string, string>): Promise<Failure | undefined> {
    return new Promise((settle) => {
      const away = (error: Error): void => settle({ note: error.message, away: true });
      const secure = address.startsWith('https:');
      const send = secure ? httpsRequest : httpRequest;
      try {
        const request = send(
          address,
          {
            method: 'POST',
            agent: secure ? this.#https : this.#http,
            headers: {
              'content-type': 'application/json; charset=utf-8',
              'content-length': Buffer.byteLength(payload),
              'user-agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
              ...headers,
            },
          },
          (answer) => {
            const status = answer.statusCode ?? 0;
            answer.on('error', away);
            answer.on('end', () =>
              settle(status >= 200 && status < 300 ? undefined : { note: `status ${status}`, away: false }),
            );
            answer.resume();
          },
        );
        request.setTimeout(ANSWER_MS_MAX, () => request.destroy(new Error('no answer in time')));
        request.on('error', away);
        request.end(payload);
      } catch (error) {
        settle({ note: error instanceof Error ? error.message : String(error), away: false });
      }
    });
  }
}
