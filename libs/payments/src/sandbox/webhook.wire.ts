import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

const ANSWER_MS_MAX = 10_000;

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
  post(address: string, payload: string, headers: Record<string, string>): Promise<string | undefined> {
    return new Promise((settle) => {
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
            answer.on('error', (error) => settle(error.message));
            answer.on('end', () => settle(status >= 200 && status < 300 ? undefined : `status ${status}`));
            answer.resume();
          },
        );
        request.setTimeout(ANSWER_MS_MAX, () => request.destroy(new Error('no answer in time')));
        request.on('error', (error) => settle(error.message));
        request.end(payload);
      } catch (error) {
        settle(error instanceof Error ? error.message : String(error));
      }
    });
  }
}
