/** Questions about where a project's programs hear of its events. */
const errors = 'userErrors { code message detail hint path }';

export const webhooksQuery = `query Webhooks($projectId: ID!) {
  viewer { projects { id name viewerRoles } }
  webhookPublicKey
  webhookEndpoints(projectId: $projectId) {
    id url eventTypes enabled disabledReason nextPosition failingSince createdAt
    recentAttempts { eventId eventType at durationMs status error }
  }
}`;
export const webhookEndpointCreate = `mutation WebhookCreate($input: WebhookEndpointCreateInput!) {
  webhookEndpointCreate(input: $input) { secret ${errors} }
}`;
export const webhookEndpointSet = `mutation WebhookSet($input: WebhookEndpointSetInput!) {
  webhookEndpointSet(input: $input) { webhookEndpoint { id } ${errors} }
}`;
export const webhookSecretRotate = `mutation WebhookSecret($input: WebhookSecretRotateInput!) {
  webhookSecretRotate(input: $input) { secret ${errors} }
}`;
