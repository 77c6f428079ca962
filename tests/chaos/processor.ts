/* The sandbox as its callers see it: the processor's API by its keys, and its controls. */

export const SECRET_KEY = 'sk_test_chaos';
export const PUBLISHABLE_KEY = 'pk_test_chaos';
export const WEBHOOK_SECRET = 'whsec_chaos';

/** A call of the processor's API, by its secret key. @throws on any answer but 200 */
export async function stripe<T = Record<string, unknown>>(
  url: string,
  path: string,
  form?: Record<string, string>,
): Promise<T> {
  const response = await fetch(`${url}/v1/${path}`, {
    method: form ? 'POST' : 'GET',
    headers: { authorization: `Bearer ${SECRET_KEY}`, 'content-type': 'application/x-www-form-urlencoded' },
    ...(form ? { body: new URLSearchParams(form) } : {}),
  });
  if (response.status !== 200) throw new Error(`${path}: ${await response.text()}`);
  return (await response.json()) as T;
}

/** Every object of a list of the processor, page by page. */
export async function everything<T extends { id: string }>(url: string, path: string): Promise<T[]> {
  const all: T[] = [];
  for (let more = true; more;) {
    const last = all.at(-1)?.id;
    const page = await stripe<{ data: T[]; has_more: boolean }>(
      url,
      `${path}?limit=100${last === undefined ? '' : `&starting_after=${last}`}`,
    );
    all.push(...page.data);
    more = page.has_more;
  }
  return all;
}

/** What the payer's browser does with a secret, of a payment or of a setup. */
export async function confirm(url: string, secret: string, card: string): Promise<string> {
  const id = secret.split('_secret_')[0] ?? '';
  await stripe(url, `${id.startsWith('seti_') ? 'setup_intents' : 'payment_intents'}/${id}/confirm`, {
    client_secret: secret,
    return_url: 'http://127.0.0.1/back',
    'payment_method_data[type]': 'card',
    'payment_method_data[card][number]': card,
    'payment_method_data[card][exp_month]': '12',
    'payment_method_data[card][exp_year]': '2040',
    'payment_method_data[card][cvc]': '123',
  });
  return id;
}

/** A control of the sandbox. */
export async function control<T = Record<string, unknown>>(url: string, path: string, body?: object): Promise<T> {
  const response = await fetch(`${url}/_sandbox/${path}`, {
    method: body ? 'POST' : 'GET',
    headers: { authorization: `Bearer ${SECRET_KEY}`, 'content-type': 'application/json' },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  if (response.status !== 200) throw new Error(`${path}: ${await response.text()}`);
  return (await response.json()) as T;
}
