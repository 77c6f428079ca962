/** `/account/inbox`: what the viewer was told, and what comes by mail. */
import { inboxQuery, notificationPreferencesSet, notificationRead } from '../api/inbox.documents.js';
import { mutate, refusal } from '../api/mutate.js';
import { nodesOf, type Connection, type UserError } from '../api/shapes.js';
import { dateTime, plural, relative } from '../format/moment.js';
import { page, redirect, type PageContext, type Result } from '../http/request.js';
import { AccountTabs } from '../parts/account-tabs.js';
import { UserErrors } from '../parts/form.js';
import { More } from '../parts/more.js';
import { Empty, Notice } from '../parts/notice.js';
import { words } from '../parts/state.js';
import { failurePage } from './problem.page.js';

interface Message {
  id: string;
  kind: string;
  title: string;
  body: string;
  link: string;
  createdAt: string;
  readAt: string | null;
}
interface Preference {
  kind: string;
  description: string;
  byMail: boolean;
  isRequired: boolean;
}
interface Inbox {
  notifications: Connection<Message>;
  notificationUnreadCount: number;
  notificationPreferences: Preference[];
}

const PAGE = 20;

export async function inboxPage(context: PageContext): Promise<Result> {
  if (!(await context.viewer)) return redirect('/sign-in?return=/account/inbox');
  const { errors, message } = context.method === 'POST' ? await act(context) : { errors: [], message: '' };
  const unread = context.url.searchParams.get('show') === 'unread';
  const after = context.url.searchParams.get('after');
  const answer = await context.ask<Inbox>(inboxQuery, { first: PAGE, unread, ...(after ? { after } : {}) });
  if (!answer.data) return failurePage(answer.problems);
  const { notifications, notificationUnreadCount: count, notificationPreferences } = answer.data;
  const messages = nodesOf(notifications);
  return page({
    title: 'Messages',
    section: 'account',
    status: errors.length > 0 ? 422 : 200,
    problems: answer.problems,
    body: (
      <div class="wrap narrow">
        <div class="account-head">
          <div>
            <h1>Messages</h1>
            <p class="lead">{count === 0 ? 'You have read everything.' : `${unreadText(count)} unread.`}</p>
          </div>
          <div class="actions">
            <a class="button small quiet" href={unread ? '/account/inbox' : '/account/inbox?show=unread'}>
              {unread ? 'Show all' : 'Show unread'}
            </a>
            {count > 0 && (
              <form method="post" action="/account/inbox">
                <input type="hidden" name="do" value="read-all" />
                <button class="button small quiet">Mark all as read</button>
              </form>
            )}
          </div>
        </div>
        <AccountTabs at="inbox" />
        <UserErrors errors={errors} />
        {message !== '' && <Notice tone="good" title={message} live />}
        <section class="stack" aria-label="Messages to you">
          {messages.length === 0 ? (
            <Empty title={unread ? 'Nothing unread' : 'No message yet'}>
              When something happens to your pledges, your machines or a campaign you stand behind, you read it here.
            </Empty>
          ) : (
            <ul class="messages">
              {messages.map((each) => (
                <Line key={each.id} message={each} now={context.now} />
              ))}
            </ul>
          )}
          <More url={context.url} connection={notifications} label="Older messages" />
        </section>
        <section class="stack" aria-labelledby="by-mail">
          <h2 id="by-mail">By mail</h2>
          <p class="muted">Every message is kept here. These are also sent to your e-mail address, if you gave one.</p>
          <Preferences preferences={notificationPreferences} />
        </section>
      </div>
    ),
  });
}

function Line({ message, now }: { message: Message; now: number }) {
  return (
    <li class={message.readAt ? 'message' : 'message unread'}>
      <h2>
        <a href={message.link}>{message.title}</a>
      </h2>
      <p>{message.body}</p>
      <div class="fine">
        {words(message.kind)} ·{' '}
        <time dateTime={message.createdAt} title={dateTime(message.createdAt)}>
          {relative(message.createdAt, now)}
        </time>
        {!message.readAt && (
          <>
            <form method="post" action="/account/inbox" class="inline">
              <input type="hidden" name="do" value="read" />
              <input type="hidden" name="id" value={message.id} />
              <button class="link" aria-label={`Mark as read: ${message.title}`}>
                Mark as read
              </button>
            </form>
          </>
        )}
      </div>
    </li>
  );
}

function Preferences({ preferences }: { preferences: Preference[] }) {
  return (
    <form method="post" action="/account/inbox" class="form panel">
      <input type="hidden" name="do" value="preferences" />
      <fieldset class="form">
        <legend>Mail me about</legend>
        {preferences.map((each) => (
          <label key={each.kind} class="check">
            <input type="checkbox" name="byMail" value={each.kind} checked={each.byMail} disabled={each.isRequired} />
            <span>
              <strong>{words(each.kind)}</strong> {each.description}
              {each.isRequired && ' Always sent.'}
            </span>
            {each.isRequired && <input type="hidden" name="byMail" value={each.kind} />}
          </label>
        ))}
      </fieldset>
      <p class="actions">
        <button class="button">Save</button>
      </p>
    </form>
  );
}

async function act(context: PageContext): Promise<{ errors: UserError[]; message: string }> {
  const { form } = context;
  switch (form.get('do') ?? '') {
    case 'read':
    case 'read-all': {
      const id = form.get('id');
      const { errors } = await mutate(context, notificationRead, id ? { notificationIds: [id] } : {});
      return { errors, message: '' };
    }
    case 'preferences': {
      const { errors } = await mutate(context, notificationPreferencesSet, { byMail: form.getAll('byMail') });
      return { errors, message: errors.length === 0 ? 'Saved.' : '' };
    }
    default:
      return {
        errors: [refusal('This form is not known here.', undefined, 'Reload the page and try again.')],
        message: '',
      };
  }
}

const unreadText = (count: number): string => (count >= 100 ? '100 or more messages' : plural(count, 'message'));
