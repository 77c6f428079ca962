import { readYaml, type YamlValue } from './yaml.reader.js';

/** One recorded call: what was sent and what Stripe answered. */
export interface Recorded {
  readonly method: string;
  /** From /v1/ on, with the query. */
  readonly path: string;
  readonly body: string | null;
  readonly status: number;
  readonly answer: unknown;
  readonly apiVersion: string | undefined;
  /** When Stripe answered. */
  readonly answeredMs: number | undefined;
}

/** Cassettes as Python's VCR writes them. @throws Error for anything else. */
export function readCassette(text: string): Recorded[] {
  const interactions = fieldOf(readYaml(text), 'interactions');
  if (!Array.isArray(interactions)) throw new Error('This is no recording: it has no list of interactions.');
  return interactions.map((interaction): Recorded => {
    const request = fieldOf(interaction, 'request');
    const response = fieldOf(interaction, 'response');
    const uri = new URL(textOf(fieldOf(request, 'uri')));
    const headers = fieldOf(response, 'headers');
    const body = fieldOf(request, 'body');
    const date = headerOf(headers, 'Date');
    return {
      method: textOf(fieldOf(request, 'method')),
      path: `${uri.pathname}${uri.search}`,
      body: body === null ? null : textOf(body),
      status: Number(fieldOf(fieldOf(response, 'status'), 'code')),
      answer: JSON.parse(textOf(fieldOf(fieldOf(response, 'body'), 'string'))) as unknown,
      apiVersion: headerOf(headers, 'Stripe-Version'),
      answeredMs: date === undefined ? undefined : Date.parse(date),
    };
  });
}

function fieldOf(value: YamlValue, name: string): YamlValue {
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw new Error(`No ${name} in the recording.`);
  return value[name] ?? null;
}

function textOf(value: YamlValue): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  throw new Error('The recording has no text where one must be.');
}

function headerOf(headers: YamlValue, name: string): string | undefined {
  const found = fieldOf(headers, name);
  const first = Array.isArray(found) ? found[0] : found;
  return first === undefined || first === null ? undefined : textOf(first);
}
