import type Stripe from 'stripe';
import { invalidRequest, resourceMissing } from './api.error.js';
import type { Params } from './form.codec.js';
import {
  allowOnly,
  metadataOf,
  optionalFlag,
  optionalInteger,
  optionalList,
  optionalText,
  requiredText,
} from './params.reader.js';
import type { PageRequest, Stored } from './sandbox.book.js';
import { SANDBOX_API_VERSION, type SandboxWorld } from './sandbox.world.js';
import { COMMAND_LINE_ENDPOINT } from './webhook.queue.js';

export interface ListAnswer<T> {
  readonly object: 'list';
  readonly data: T[];
  readonly has_more: boolean;
  readonly url: string;
}

/**
 * Which filters a list takes besides the cursor and `created`: `parents`, of which an object has one; `fields` of the
 * object itself, compared as texts; `times` of the object, as a second or a range of them.
 */
export function listOf<T extends Stored>(
  world: SandboxWorld,
  kind: string,
  url: string,
  params: Params,
  options: {
    parents?: readonly string[];
    fields?: readonly string[];
    times?: readonly string[];
    noun?: string;
    also?: PageRequest['also'];
  } = {},
): ListAnswer<T> {
  const { parents = [], fields = [], times = [] } = options;
  allowOnly(params, ['limit', 'starting_after', 'ending_before', 'created', ...parents, ...fields, ...times]);
  const limit = optionalInteger(params, 'limit') ?? 10;
  if (limit < 1 || limit > 100) {
    throw invalidRequest('Limit must be between 1 and 100.', { code: 'parameter_invalid_integer', param: 'limit' });
  }
  if (optionalText(params, 'starting_after') !== undefined && optionalText(params, 'ending_before') !== undefined) {
    throw invalidRequest('Received both starting_after and ending_before parameters. Please pass in only one.', {
      param: 'starting_after',
    });
  }
  const parent = parents.map((name) => optionalText(params, name)).find((id) => id !== undefined);
  const request: PageRequest = {
    limit,
    startingAfter: optionalText(params, 'starting_after'),
    endingBefore: optionalText(params, 'ending_before'),
    parent,
    ...createdRange(params),
    also: [
      ...(options.also ?? []),
      ...fields.flatMap((name) => fieldFilter(name, optionalText(params, name))),
      ...times.flatMap((name) => timeFilter(name, params)),
    ],
  };
  const page = world.book.page<T>(kind, request);
  if (page === undefined) {
    const cursor = request.startingAfter ?? request.endingBefore ?? '';
    throw resourceMissing(
      options.noun ?? kind,
      cursor,
      request.startingAfter === undefined ? 'ending_before' : 'starting_after',
    );
  }
  return { object: 'list', data: page.data, has_more: page.hasMore, url };
}

type Filter = NonNullable<PageRequest['also']>[number];

function fieldFilter(name: string, value: string | undefined): Filter[] {
  if (value === undefined) return [];
  // A customer is a column of its own: without it every payment would be looked into.
  if (name === 'customer') return [{ sql: 'object.customer = ?', value, index: 'object_customer' }];
  return [{ sql: `json_extract(object.body, '$.${name}') = ?`, value }];
}

function timeFilter(name: string, params: Params): Filter[] {
  const { from, to } = rangeOf(params, name);
  const at = `json_extract(object.body, '$.${name}')`;
  return [
    ...(from === undefined ? [] : [{ sql: `${at} >= ?`, value: from }]),
    ...(to === undefined ? [] : [{ sql: `${at} <= ?`, value: to }]),
  ];
}

function createdRange(params: Params): { createdFrom?: number; createdTo?: number } {
  const { from, to } = rangeOf(params, 'created');
  return { ...(from === undefined ? {} : { createdFrom: from }), ...(to === undefined ? {} : { createdTo: to }) };
}

/** A second, or `gt`, `gte`, `lt` and `lte` of seconds; both ends included in the answer. */
function rangeOf(params: Params, name: string): { from?: number | undefined; to?: number | undefined } {
  const given = params[name];
  if (given === undefined) return {};
  if (typeof given === 'string') {
    const at = optionalInteger(params, name) ?? 0;
    return { from: at, to: at };
  }
  if (Array.isArray(given)) throw invalidRequest('Invalid object', { param: name });
  allowOnly(given, ['gt', 'gte', 'lt', 'lte']);
  const [gt, gte, lt, lte] = ['gt', 'gte', 'lt', 'lte'].map((bound) => optionalInteger(given, bound));
  return {
    from: gte ?? (gt === undefined ? undefined : gt + 1),
    to: lte ?? (lt === undefined ? undefined : lt - 1),
  };
}

/** Events take `type`, `types` and `delivery_success` on top. */
export function listEvents(world: SandboxWorld, params: Params): ListAnswer<Stripe.Event> {
  const { type, types: _types, delivery_success: _delivered, ...paging } = params;
  const wanted = [...(typeof type === 'string' && type !== '' ? [type] : []), ...optionalList(params, 'types')];
  const delivered = optionalFlag(params, 'delivery_success');
  const open = "EXISTS (SELECT 1 FROM delivery WHERE event = object.id AND state <> 'delivered')";
  return listOf<Stripe.Event>(world, 'event', '/v1/events', paging, {
    also: [
      { sql: 'object.created >= ?', value: oldestEvent(world) },
      ...typeFilter(wanted),
      ...(delivered === undefined ? [] : [{ sql: `${open} = ?`, value: delivered ? 0 : 1 }]),
    ],
  });
}

function typeFilter(wanted: readonly string[]): Filter[] {
  const [only] = wanted;
  if (only === undefined) return [];
  if (wanted.length === 1 && !only.includes('*'))
    return [{ sql: 'object.type = ?', value: only, index: 'object_type' }];
  const sql = 'EXISTS (SELECT 1 FROM json_each(?) AS wanted WHERE object.type GLOB wanted.value)';
  return [{ sql, value: JSON.stringify(wanted) }];
}

export function retrieveEvent(world: SandboxWorld, id: string): Stripe.Event {
  const found = world.book.find<Stripe.Event>('event', id);
  if (found === undefined || found.created < oldestEvent(world)) throw resourceMissing('event', id);
  return found;
}

/** The API shows events for thirty days, by the sandbox's time. */
function oldestEvent(world: SandboxWorld): number {
  return world.book.nowSeconds - 30 * 86_400;
}

/** The answer to a creation carries the signing secret; nothing else ever does. */
export function createWebhookEndpoint(world: SandboxWorld, params: Params): Stripe.WebhookEndpoint {
  allowOnly(params, ['url', 'enabled_events', 'description', 'metadata', 'api_version', 'connect']);
  const url = requiredText(params, 'url');
  if (!URL.canParse(url) || !/^https?:/.test(url))
    throw invalidRequest('Not a valid URL', { code: 'url_invalid', param: 'url' });
  const secret = world.book.newId('whsec', 32);
  const endpoint: Stripe.WebhookEndpoint = {
    id: world.book.newId('we'),
    object: 'webhook_endpoint',
    api_version: optionalText(params, 'api_version') ?? null,
    application: null,
    created: world.book.nowSeconds,
    description: optionalText(params, 'description') ?? null,
    enabled_events: optionalList(params, 'enabled_events'),
    livemode: false,
    metadata: metadataOf(params),
    status: 'enabled',
    url,
  };
  if (endpoint.enabled_events.length === 0) {
    throw invalidRequest('Missing required param: enabled_events.', {
      code: 'parameter_missing',
      param: 'enabled_events',
    });
  }
  world.book.add(endpoint, { hidden: { secret, connect: optionalFlag(params, 'connect') === true } });
  return { ...endpoint, secret };
}

/** The endpoint named on the command line; its address and secret follow the command line at every start. */
export function registerFixedEndpoint(world: SandboxWorld, url: string, secret: string): void {
  const id = COMMAND_LINE_ENDPOINT;
  const known = world.book.find<Stripe.WebhookEndpoint>('webhook_endpoint', id);
  const endpoint: Stripe.WebhookEndpoint = {
    id,
    object: 'webhook_endpoint',
    api_version: SANDBOX_API_VERSION,
    application: null,
    created: known?.created ?? world.book.nowSeconds,
    description: 'Given at the start of the sandbox',
    enabled_events: ['*'],
    livemode: false,
    metadata: {},
    status: 'enabled',
    url,
  };
  if (known === undefined) world.book.add(endpoint, { hidden: { secret } });
  else {
    world.book.save(endpoint);
    world.book.setHidden(id, { secret });
  }
}

export function retrieveWebhookEndpoint(world: SandboxWorld, id: string): Stripe.WebhookEndpoint {
  const found = world.book.find<Stripe.WebhookEndpoint>('webhook_endpoint', id);
  if (found === undefined) throw resourceMissing('webhook endpoint', id, 'webhook_endpoint');
  return found;
}

export function updateWebhookEndpoint(world: SandboxWorld, id: string, params: Params): Stripe.WebhookEndpoint {
  allowOnly(params, ['url', 'enabled_events', 'description', 'metadata', 'disabled']);
  const endpoint = retrieveWebhookEndpoint(world, id);
  const url = optionalText(params, 'url') ?? endpoint.url;
  if (!URL.canParse(url) || !/^https?:/.test(url))
    throw invalidRequest('Not a valid URL', { code: 'url_invalid', param: 'url' });
  const events = optionalList(params, 'enabled_events');
  const disabled = optionalFlag(params, 'disabled');
  return world.book.save<Stripe.WebhookEndpoint>({
    ...endpoint,
    url,
    enabled_events: events.length === 0 ? endpoint.enabled_events : events,
    description: optionalText(params, 'description') ?? endpoint.description,
    metadata: { ...endpoint.metadata, ...metadataOf(params) },
    status: disabled === undefined ? endpoint.status : disabled ? 'disabled' : 'enabled',
  });
}

export function deleteWebhookEndpoint(world: SandboxWorld, id: string): { id: string; object: string; deleted: true } {
  retrieveWebhookEndpoint(world, id);
  world.book.remove(id);
  return { id, object: 'webhook_endpoint', deleted: true };
}
