import { Args, ID, Mutation, Query, Resolver } from '@nestjs/graphql';
import { type Outcome, isRefused } from '#kernel';
import { Access, CurrentViewer, type Viewer, askedId, fromGlobalId, toGlobalId, toUserErrors } from '#platform';
import { type Endpoint, Webhooks } from '../webhooks/webhooks.js';
import {
  WebhookEndpoint,
  WebhookEndpointCreateInput,
  WebhookEndpointPayload,
  WebhookEndpointSetInput,
  WebhookSecretRotateInput,
} from './webhook.type.js';

type SignedIn = Viewer & { kind: 'contributor' };
const TYPE = 'WebhookEndpoint';
const ID_PATH = ['input', 'webhookEndpointId'];

const toEndpoint = (row: Endpoint): WebhookEndpoint => ({
  id: toGlobalId(TYPE, row.id),
  url: row.url,
  eventTypes: row.event_types,
  enabled: row.state === 'active',
  disabledReason: row.state === 'disabled' ? row.state_reason : null,
  nextPosition: row.next_position,
  failingSince: row.failing_since,
  createdAt: row.created_at,
  recentAttempts: row.recent.map((each) => ({
    eventId: each.event_id,
    eventType: each.event_type,
    at: each.at,
    durationMs: each.duration_ms,
    status: each.status,
    error: each.error,
  })),
});

const toPayload = (outcome: Outcome<{ endpoint: Endpoint; secret: string }>): WebhookEndpointPayload =>
  isRefused(outcome)
    ? { webhookEndpoint: null, secret: null, userErrors: toUserErrors(outcome) }
    : { webhookEndpoint: toEndpoint(outcome.endpoint), secret: outcome.secret || null, userErrors: [] };

@Resolver(() => WebhookEndpoint)
export class WebhookResolver {
  constructor(private readonly webhooks: Webhooks) {}

  @Access({ scope: 'project:write', projectRoles: ['owner', 'maintainer'] })
  @Query(() => [WebhookEndpoint], { description: 'Webhooks of a project; none for who does not maintain it.' })
  async webhookEndpoints(
    @Args('projectId', { type: () => ID, description: 'The project.' }) projectId: string,
    @CurrentViewer() viewer: SignedIn,
  ): Promise<WebhookEndpoint[]> {
    const found = await this.webhooks.list(viewer, askedId('Project', projectId));
    return isRefused(found) ? [] : found.map(toEndpoint);
  }

  @Access('public')
  @Query(() => String, {
    description: 'Public half of the key that signs webhooks (Standard Webhooks, v1a): "whpk_" and base64 of 32 bytes.',
  })
  webhookPublicKey(): Promise<string> {
    return this.webhooks.publicKey();
  }

  @Access({ scope: 'project:write', projectRoles: ['owner', 'maintainer'] })
  @Mutation(() => WebhookEndpointPayload, { description: 'Makes a webhook; its secret is shown once.' })
  async webhookEndpointCreate(
    @Args('input', { description: 'The webhook.' }) input: WebhookEndpointCreateInput,
    @CurrentViewer() viewer: SignedIn,
  ): Promise<WebhookEndpointPayload> {
    const projectId = fromGlobalId('Project', input.projectId, ['input', 'projectId']);
    if (isRefused(projectId)) return toPayload(projectId);
    const { url, eventTypes } = input;
    return toPayload(await this.webhooks.create(viewer, { projectId, url, eventTypes: eventTypes ?? [] }));
  }

  @Access({ scope: 'project:write', projectRoles: ['owner', 'maintainer'] })
  @Mutation(() => WebhookEndpointPayload, {
    description: 'Switches a webhook on or off, changes its types, or has events sent again.',
  })
  async webhookEndpointSet(
    @Args('input', { description: 'What to change.' }) input: WebhookEndpointSetInput,
    @CurrentViewer() viewer: SignedIn,
  ): Promise<WebhookEndpointPayload> {
    const id = fromGlobalId(TYPE, input.webhookEndpointId, ID_PATH);
    if (isRefused(id)) return toPayload(id);
    const { enabled, eventTypes, fromPosition } = input;
    const outcome = await this.webhooks.set(viewer, id, {
      ...(enabled == null ? {} : { enabled }),
      ...(eventTypes == null ? {} : { eventTypes }),
      ...(fromPosition == null ? {} : { fromPosition }),
    });
    return toPayload(isRefused(outcome) ? outcome : { endpoint: outcome, secret: '' });
  }

  @Access({ scope: 'project:write', projectRoles: ['owner', 'maintainer'] })
  @Mutation(() => WebhookEndpointPayload, { description: 'Makes a new secret of a webhook; the old one ends at once.' })
  async webhookSecretRotate(
    @Args('input', { description: 'Which webhook.' }) input: WebhookSecretRotateInput,
    @CurrentViewer() viewer: SignedIn,
  ): Promise<WebhookEndpointPayload> {
    const id = fromGlobalId(TYPE, input.webhookEndpointId, ID_PATH);
    return toPayload(isRefused(id) ? id : await this.webhooks.rotateSecret(viewer, id));
  }
}
