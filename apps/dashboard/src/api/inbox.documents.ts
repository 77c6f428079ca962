/** Questions about what the viewer was told. */
const errors = 'userErrors { code message detail hint path }';

export const inboxQuery = `query Inbox($first: Int!, $after: String, $unread: Boolean) {
  notifications(first: $first, after: $after, unread: $unread) {
    edges { node { id kind title body link createdAt readAt } } pageInfo { hasNextPage endCursor } }
  notificationUnreadCount
  notificationPreferences { kind description byMail isRequired }
}`;
export const notificationRead = `mutation NotificationRead($input: NotificationReadInput!) {
  notificationRead(input: $input) { unreadCount ${errors} }
}`;
export const notificationPreferencesSet = `mutation NotificationPreferences($input: NotificationPreferencesSetInput!) {
  notificationPreferencesSet(input: $input) { preferences { kind } ${errors} }
}`;
