import { Injectable } from '@nestjs/common';
import { type Outcome, type Page, decodeCursor, pageOf, pageSize, refuse } from '#kernel';
import { UnitOfWork, type Viewer } from '#platform';
import { KINDS, type Kind, REQUIRED_KINDS } from './domain/notification.rule.js';
import {
  type NotificationRow,
  markRead,
  notificationsPage,
  setSilences,
  silenced,
  unreadCount,
} from './store/notification.store.js';

type SignedIn = Viewer & { kind: 'contributor' };

export interface Preference {
  readonly kind: Kind;
  readonly description: string;
  readonly byMail: boolean;
  readonly isRequired: boolean;
}

/** What a person reads, and what he wants by mail. */
@Injectable()
export class Notifications {
  constructor(private readonly uow: UnitOfWork) {}

  /** The person's messages, newest first. */
  async page(
    viewer: SignedIn,
    asked: { first?: number | undefined; after?: string | undefined; unread?: boolean | undefined },
  ): Promise<Page<NotificationRow>> {
    const limit = pageSize(asked.first);
    const filter = { after: decodeCursor(asked.after), unread: asked.unread ?? false };
    const rows = await this.uow.read((tx) => notificationsPage(tx, viewer.contributorId, filter, limit + 1));
    return pageOf(rows, limit, (row) => row.id);
  }

  /** 0 to 100; 100 stands for "100 or more". */
  unread(viewer: SignedIn): Promise<number> {
    return this.uow.read((tx) => unreadCount(tx, viewer.contributorId));
  }

  /** Marks messages as read; all of them when none is named. Refuses `NOTIFICATION_NOT_FOUND` and then marks none. */
  markRead(viewer: SignedIn, ids: readonly string[] | undefined): Promise<Outcome<number>> {
    return this.uow.run('notifications.read', async (tx) => {
      const asked = ids ? [...new Set(ids)] : undefined;
      const { known } = await markRead(tx, viewer.contributorId, asked);
      if (asked && known < asked.length) {
        return refuse({
          code: 'NOTIFICATION_NOT_FOUND',
          message: 'One of these is no message to you.',
          detail: `${asked.length - known} of ${asked.length}.`,
          hint: 'Take the ids from "notifications", or give none to mark all.',
          path: ['input', 'notificationIds'],
        });
      }
      return unreadCount(tx, viewer.contributorId);
    });
  }

  async preferences(viewer: SignedIn): Promise<Preference[]> {
    const off = await this.uow.read((tx) => silenced(tx, viewer.contributorId));
    return (Object.entries(KINDS) as [Kind, string][]).map(([kind, description]) => ({
      kind,
      description,
      byMail: !off.has(kind),
      isRequired: REQUIRED_KINDS.includes(kind),
    }));
  }

  /**
   * Sets which kinds come by mail, exactly those. Refuses `NOTIFICATION_KIND_REQUIRED` when one is left out that always
   * comes.
   */
  setPreferences(viewer: SignedIn, byMail: readonly Kind[]): Promise<Outcome<true>> {
    return this.uow.run('notifications.preferences', async (tx) => {
      const missing = REQUIRED_KINDS.filter((kind) => !byMail.includes(kind));
      if (missing.length > 0) {
        return refuse({
          code: 'NOTIFICATION_KIND_REQUIRED',
          message: 'Mail about your money and your duties can not be switched off.',
          detail: `Left out: ${missing.join(', ')}.`,
          hint: `Keep ${REQUIRED_KINDS.join(', ')}.`,
          path: ['input', 'byMail'],
        });
      }
      const off = (Object.keys(KINDS) as Kind[]).filter((kind) => !byMail.includes(kind));
      await setSilences(tx, viewer.contributorId, off);
      return true as const;
    });
  }
}
