import Stripe from 'stripe';
import { slowDown, startPace, takeToken, type Pace } from '../domain/pace.rule.js';

const TOO_MANY = 429;
/** An object that is in use answers 429 as well; that says nothing of the rate. */
const LOCKED = /"code":\s*"lock_timeout"/;

type HttpClient = ReturnType<typeof Stripe.createNodeHttpClient>;
type HttpAnswer = Awaited<ReturnType<HttpClient['makeRequest']>>;

/**
 * The HTTP client of the package, at a pace: every call of this process, whoever makes it, waits for its turn, so that
 * a hundred thousand charges never exceed what Stripe allows an account.
 */
export function pacedHttpClient(callsPerSecond: number): HttpClient {
  const client = Stripe.createNodeHttpClient();
  const call = client.makeRequest.bind(client);
  let pace: Pace = startPace(callsPerSecond, performance.now());
  client.makeRequest = async (...args): Promise<HttpAnswer> => {
    const turn = takeToken(pace, performance.now());
    pace = turn.pace;
    if (turn.waitMs > 0) await new Promise((resolve) => setTimeout(resolve, turn.waitMs));
    const answer = await call(...args);
    if (answer.getStatusCode() !== TOO_MANY) return answer;
    const body: unknown = await answer.toJSON();
    if (!LOCKED.test(JSON.stringify(body))) pace = slowDown(pace, performance.now());
    answer.toJSON = () => Promise.resolve(body);
    return answer;
  };
  return client;
}
