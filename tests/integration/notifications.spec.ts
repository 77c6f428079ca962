import { randomUUID } from 'node:crypto';
import { type AddressInfo, type Server, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NotificationsModule } from '#notifications';
import { Handlers, eventsByIds, toGlobalId } from '#platform';
import { NOTIFICATION_RULES } from '../../libs/notifications/src/domain/notification.rule.js';
import { FundingStage, type Person } from './funding.stage.js';

/** A mail server that keeps what it is given; `answer` is what it says to a message. */
class MailServer {
  readonly mails: string[] = [];
  answer = '250 ok';
  readonly #server: Server = createServer((socket) => {
    let body: string[] | undefined;
    let rest = '';
    socket.write('220 mail.test ESMTP\r\n');
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      const lines = (rest + chunk.toString('utf8')).split('\r\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (body && line !== '.') body.push(line);
        else if (body) {
          if (this.answer.startsWith('250')) this.mails.push(body.join('\n'));
          body = undefined;
          socket.write(`${this.answer}\r\n`);
        } else if (line.startsWith('DATA')) {
          body = [];
          socket.write('354 go on\r\n');
        } else if (line.startsWith('QUIT')) socket.end('221 bye\r\n');
        else socket.write('250 ok\r\n');
      }
    });
  });

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `smtp://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }
  close(): void {
    this.#server.close();
  }
}

const mail = new MailServer();
let stage: FundingStage;
let owner: Person;
let campaignId: string;
beforeAll(async () => {
  const env = { SMTP_URL: `${await mail.listen()}?ignoreTLS=true`, MAIL_FROM: 'hello@commonweights.test' };
  stage = await FundingStage.open({}, { modules: [NotificationsModule], env });
  owner = await stage.person('Ishmael');
  campaignId = await stage.liveCampaign(owner);
});
afterAll(async () => {
  await stage.close();
  mail.close();
});

/** An event as another room would emit it. */
async function happened(type: string, payload: object): Promise<void> {
  await stage.db.uow.run('test', (tx) => {
    tx.emit({ type, aggregateType: 'campaign', aggregateId: campaignId, payload: { campaignId, ...payload } });
    return Promise.resolve(undefined);
  });
  await stage.relay();
}

/** What the queue does when a worker dies before it says that a delivery is done. */
async function deliverAgain(eventId: string): Promise<void> {
  const handlers = stage.app.get(Handlers, { strict: false }).subscribers();
  const tell = handlers.find(({ name }) => name === 'notifications.tell');
  await stage.db.uow.run('test', async (tx) => {
    const [event] = await eventsByIds(tx, [eventId]);
    if (tell && event) await tell.handle(event, tx);
  });
}

const LIST = `query($unread: Boolean, $first: Int, $after: String) {
  notifications(unread: $unread, first: $first, after: $after) {
    nodes { id kind title body link readAt } pageInfo { hasNextPage endCursor } }
  notificationUnreadCount }`;
async function inbox(who: Person, variables: object = {}) {
  const { data, errors } = await stage.gql(LIST, variables, who);
  expect(errors).toBeUndefined();
  return { list: data.notifications.nodes, unread: data.notificationUnreadCount, info: data.notifications.pageInfo };
}
async function read(who: Person, notificationIds?: string[]) {
  const query = `mutation($input: NotificationReadInput!) { notificationRead(input: $input) { unreadCount userErrors { code path } } }`;
  const { data } = await stage.gql(query, { input: { notificationIds } }, who);
  return data.notificationRead;
}
async function setPreferences(who: Person, byMail: string[]) {
  const query = `mutation($input: NotificationPreferencesSetInput!) {
    notificationPreferencesSet(input: $input) { preferences { kind byMail isRequired } userErrors { code } } }`;
  const { data } = await stage.gql(query, { input: { byMail } }, who);
  return data.notificationPreferencesSet;
}
async function withAddress(name: string, email: string): Promise<Person> {
  const who = await stage.person(name);
  await stage.rows('UPDATE contributor SET email = $2 WHERE id = $1', [who.contributorId, email]);
  return who;
}
const sentTo = (address: string) => mail.mails.filter((text) => text.includes(`To: ${address}`));
const mailsOf = (who: Person) =>
  stage.rows<{ state: string; attempts: number }>(
    'SELECT state, attempts FROM notification_mail WHERE contributor_id = $1 ORDER BY message_id',
    [who.contributorId],
  );

describe('a message', () => {
  it('reaches the person behind a pledge once, however often its event is delivered', async () => {
    const ada = await stage.person('Ada');
    await stage.give(ada, campaignId, 2500n);
    const { list, unread } = await inbox(ada);
    expect(list).toMatchObject([
      { kind: 'RECEIPT', title: '25.00 USD collected for “A whale of a model”', link: '/account', readAt: null },
    ]);
    expect(unread).toBe(1);
    const [event] = await stage.rows<{ id: string }>(
      "SELECT id FROM event_outbox WHERE type = 'pledge.cash.captured' ORDER BY position DESC LIMIT 1",
    );
    await deliverAgain(event?.id ?? '');
    expect((await inbox(ada)).list).toHaveLength(1);
  });

  it('is marked as read by its reader alone', async () => {
    const bob = await stage.person('Bob');
    await stage.give(bob, campaignId, 1000n);
    const [message] = (await inbox(bob)).list;
    const ada = await stage.person('Ada');
    expect(await read(ada, [toGlobalId('Notification', randomUUID())])).toEqual({
      unreadCount: null,
      userErrors: [{ code: 'NOTIFICATION_NOT_FOUND', path: ['input', 'notificationIds'] }],
    });
    expect((await read(ada, [message.id])).userErrors[0].code).toBe('NOTIFICATION_NOT_FOUND');
    expect((await read(ada, [toGlobalId('Campaign', randomUUID())])).userErrors[0].code).toBe('ID_INVALID');
    expect((await inbox(bob, { unread: true })).list).toHaveLength(1);
    expect(await read(bob, [message.id])).toEqual({ unreadCount: 0, userErrors: [] });
    expect((await inbox(bob, { unread: true })).list).toHaveLength(0);
    expect((await inbox(bob)).list[0].readAt).not.toBeNull();
  });

  it('goes to all backers, or to those who answer for the money', async () => {
    const [ada, bob, carl] = [await stage.person('Ada'), await stage.person('Bob'), await stage.person('Carl')];
    await happened('campaign.update.published', { title: 'We bought a boat' });
    await happened('pledge.cash.disputed', { pledgeId: randomUUID(), amountMinor: '500', currency: 'JPY' });
    for (const who of [ada, bob])
      expect((await inbox(who)).list[0]).toMatchObject({ kind: 'UPDATE', body: 'We bought a boat' });
    expect((await inbox(carl)).list).toEqual([]);
    const [notice] = (await inbox(owner)).list;
    expect(notice).toMatchObject({ kind: 'TREASURY', body: expect.stringContaining('500 JPY') });
  });

  it('is found page by page, newest first', async () => {
    const ada = await stage.person('Ada');
    const all = (await inbox(ada)).list.map((n: { id: string }) => n.id);
    const first = await inbox(ada, { first: 1 });
    expect(first.info.hasNextPage).toBe(true);
    const second = await inbox(ada, { first: 1, after: first.info.endCursor });
    expect([first.list[0].id, second.list[0].id]).toEqual(all.slice(0, 2));
  });

  it.each(NOTIFICATION_RULES.map((rule) => [rule.type, rule] as const))('%s has words and a place to go', (_, rule) => {
    for (const campaign of [undefined, { slug: 'a whale', title: 'A "whale" <b>' }]) {
      const message = rule.write({ payload: {}, campaign });
      expect(message?.title).toMatch(/\S/);
      expect(message?.body).toMatch(/\S.*\.$|organisers/);
      expect(message?.link).toMatch(/^\/[^/]/);
      expect(`${message?.title}${message?.body}`).not.toMatch(/undefined|null|NaN/);
    }
  });
});

describe('mail', () => {
  let dora: Person;

  it('goes to those who have an address, carries the words, and is sent once', async () => {
    dora = await withAddress('Dora', 'dora@mail.test');
    await stage.give(dora, campaignId, 700n);
    await stage.tick('notifications.mail');
    await stage.tick('notifications.mail');
    const [text, ...more] = sentTo('dora@mail.test');
    expect(more).toEqual([]);
    expect(text).toMatch(/7\.00 USD collected/);
    expect(text).toContain('List-Unsubscribe');
    expect(await mailsOf(dora)).toEqual([{ state: 'sent', attempts: 1 }]);
  });

  it('stays away for kinds that a person silenced, and no required kind can be', async () => {
    expect((await setPreferences(dora, ['RECEIPT'])).userErrors[0].code).toBe('NOTIFICATION_KIND_REQUIRED');
    const set = await setPreferences(dora, ['PAYMENT', 'OUTCOME', 'TREASURY', 'COMPUTE', 'REPORT', 'UPDATE']);
    expect(set.preferences.filter((p: { byMail: boolean }) => !p.byMail)).toEqual([
      { kind: 'RECEIPT', byMail: false, isRequired: false },
    ]);
    await stage.give(dora, campaignId, 800n);
    await stage.tick('notifications.mail');
    expect(sentTo('dora@mail.test')).toHaveLength(1);
    expect((await inbox(dora)).list).toHaveLength(2);
  });

  it('is tried again after a passing refusal, and given up after a permanent one', async () => {
    const emil = await withAddress('Emil', 'emil@mail.test');
    mail.answer = '451 later';
    await stage.give(emil, campaignId, 900n);
    await stage.tick('notifications.mail');
    expect(await mailsOf(emil)).toEqual([{ state: 'waiting', attempts: 1 }]);
    mail.answer = '250 ok';
    await stage.tick('notifications.mail');
    expect(sentTo('emil@mail.test')).toEqual([]);
    await stage.advance(61_000);
    await stage.tick('notifications.mail');
    expect(sentTo('emil@mail.test')).toHaveLength(1);
    mail.answer = '550 no such user';
    await stage.give(emil, campaignId, 950n);
    await stage.tick('notifications.mail');
    expect(await mailsOf(emil)).toEqual([
      { state: 'sent', attempts: 2 },
      { state: 'failed', attempts: 1 },
    ]);
    mail.answer = '250 ok';
  });
});

it('an erased person is forgotten', async () => {
  const fay = await withAddress('Fay', 'fay@mail.test');
  await stage.give(fay, campaignId, 600n);
  expect((await inbox(fay)).list).toHaveLength(1);
  const query = `mutation { contributorErase(input: {}) { userErrors { code } } }`;
  expect((await stage.gql(query, {}, fay)).data.contributorErase.userErrors).toEqual([]);
  await stage.relay();
  await stage.tick('notifications.mail');
  const left = await stage.rows('SELECT 1 FROM notification WHERE contributor_id = $1', [fay.contributorId]);
  expect(left).toEqual([]);
  expect(mail.mails.join()).not.toContain('fay@mail.test');
});
