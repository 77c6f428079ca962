import { Args, Int, Mutation, Query, Resolver } from '@nestjs/graphql';
import { type Outcome, isRefused } from '#kernel';
import {
  AFTER_ARG,
  Access,
  type ConnectionShape,
  CurrentViewer,
  FIRST_ARG,
  type Viewer,
  fromGlobalId,
  toConnection,
  toGlobalId,
  toUserErrors,
} from '#platform';
import { Notifications, type Preference } from '../notification.commands.js';
import type { NotificationRow } from '../store/notification.store.js';
import {
  Notification,
  NotificationConnection,
  NotificationKind,
  NotificationPreference,
  NotificationPreferencesSetInput,
  NotificationPreferencesSetPayload,
  NotificationReadInput,
  NotificationReadPayload,
} from './notification.type.js';

type SignedIn = Viewer & { kind: 'contributor' };
const TYPE = 'Notification';

const toNotification = (row: NotificationRow): Notification => ({
  id: toGlobalId(TYPE, row.id),
  kind: row.kind as NotificationKind,
  title: row.title,
  body: row.body,
  link: row.link,
  createdAt: row.created_at,
  readAt: row.read_at,
});
const toPreference = (preference: Preference): NotificationPreference => ({
  ...preference,
  kind: preference.kind as NotificationKind,
});

@Resolver(() => Notification)
export class NotificationResolver {
  constructor(private readonly notifications: Notifications) {}

  @Access('signedIn')
  @Query(() => NotificationConnection, { name: 'notifications', description: 'Messages to the viewer, newest first.' })
  async list(
    @CurrentViewer() viewer: SignedIn,
    @Args(FIRST_ARG) first?: number,
    @Args(AFTER_ARG) after?: string,
    @Args('unread', { type: () => Boolean, nullable: true, description: 'Only those that were not read.' })
    unread?: boolean,
  ): Promise<ConnectionShape<Notification>> {
    return toConnection(await this.notifications.page(viewer, { first, after, unread }), toNotification, after);
  }

  @Access('public')
  @Query(() => Int, {
    nullable: true,
    description: 'How many messages the viewer has not read; 100 stands for 100 or more. Null for anonymous.',
  })
  async notificationUnreadCount(@CurrentViewer() viewer: Viewer): Promise<number | null> {
    return viewer.kind === 'anonymous' ? null : this.notifications.unread(viewer);
  }

  @Access('signedIn')
  @Query(() => [NotificationPreference], { description: 'Which kinds of messages the viewer gets by mail.' })
  async notificationPreferences(@CurrentViewer() viewer: SignedIn): Promise<NotificationPreference[]> {
    return (await this.notifications.preferences(viewer)).map(toPreference);
  }

  @Access({ scope: 'profile:write' })
  @Mutation(() => NotificationReadPayload, { description: 'Marks messages to the viewer as read.' })
  async notificationRead(
    @Args('input', { description: 'Which messages.' }) input: NotificationReadInput,
    @CurrentViewer() viewer: SignedIn,
  ): Promise<NotificationReadPayload> {
    const ids = input.notificationIds?.map((id) => fromGlobalId(TYPE, id, ['input', 'notificationIds']));
    const wrong = ids?.find((id) => isRefused(id));
    const outcome: Outcome<number> = isRefused(wrong)
      ? wrong
      : await this.notifications.markRead(viewer, ids as string[] | undefined);
    return isRefused(outcome)
      ? { unreadCount: null, userErrors: toUserErrors(outcome) }
      : { unreadCount: outcome, userErrors: [] };
  }

  @Access({ scope: 'profile:write' })
  @Mutation(() => NotificationPreferencesSetPayload, { description: 'Sets which kinds of messages are also mailed.' })
  async notificationPreferencesSet(
    @Args('input', { description: 'The kinds.' }) input: NotificationPreferencesSetInput,
    @CurrentViewer() viewer: SignedIn,
  ): Promise<NotificationPreferencesSetPayload> {
    const outcome = await this.notifications.setPreferences(viewer, input.byMail);
    if (isRefused(outcome)) return { preferences: null, userErrors: toUserErrors(outcome) };
    return { preferences: (await this.notifications.preferences(viewer)).map(toPreference), userErrors: [] };
  }
}
