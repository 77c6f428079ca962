import Stripe from 'stripe';
import { slowDown, startPace, takeToken, type Pace } from '../domain/pace.rule.js';

const TOO_MANY = 429;
/** An object that is in use answers 429 as well; that says nothing of the rate, and the package repeats it by itself. */
const LOCKED = /"code":\s*"lock_timeout"/;
/** A call that was turned away for haste has had no effect: it waits for a turn at the slower pace, so many times. */
const TURNS_MAX = 4;

type HttpClient = ReturnType<typeof Stripe.createNodeHttpClient>;
type HttpAnswer = Awaited<ReturnType<HttpClient['makeRequest']>>;

/**
 * The HTTP client of the package, at a pace: every call of this process, whoever makes it, waits for its turn, so that
 * a hundred thousand charges never exceed what Stripe allows an account. What Stripe turned away all the same is sent
 * again, the same to the byte (its idempotency key included), at the pace that follows from it.
 */
export function pacedHttpClient(callsPerSecond: number): HttpClient {
  const client = Stripe.createNodeHttpClient();
  const call = client.makeRequest.bind(client);
  let pace: Pace = startPace(callsPerSecond, performance.now());
  const turn = async (): Promise<void> => {
    const taken = takeToken(pace, performance.now());
    pace = taken.pace;
    if (taken.waitMs > 0) await new Promise((resolve) => setTimeout(resolve, taken.waitMs));
  };
  client.makeRequest = async (...args): Promise<HttpAnswer> => {
    for (let turns = 1; ; turns += 1) {
      await turn();
      const answer = await call(...args);
      if (answer.getStatusCode() !== TOO_MANY) return answer;
      const body: unknown = await answer.toJSON();
      answer.toJSON = () => Promise.resolve(body);
      if (LOCKED.test(JSON.stringify(body))) return answer;
      pace = slowDown(pace, performance.now());
      if (turns >= TURNS_MAX) return answer;
    }
  };
  return client;
}
