import { Inject, Injectable } from '@nestjs/common';
import { requireProjectRole } from '#identity';
import { type Outcome, type Refused, isRefused, refuse } from '#kernel';
import { Config, type Tx, UnitOfWork, type Viewer } from '#platform';
import { MAX_ENDPOINTS, typesRefusal, urlRefusal } from '../domain/webhook.rule.js';
import {
  type AttemptRow,
  type EndpointRow,
  attemptsOf,
  changeEndpoint,
  endpointsOf,
  insertEndpoint,
  lockEndpoint,
  nextSecret,
} from '../store/webhook.store.js';
import { WEBHOOK_KEY, WebhookKey } from './webhook.key.js';

type SignedIn = Viewer & { kind: 'contributor' };
export type Endpoint = EndpointRow & { readonly recent: readonly AttemptRow[] };

/** Where a project's programs hear of its events. Maintainers of the project decide. */
@Injectable()
export class Webhooks {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly config: Config,
    @Inject(WEBHOOK_KEY) private readonly key: WebhookKey,
  ) {}

  publicKey(): Promise<string> {
    return this.key.publicKey();
  }

  /** The endpoints of a project with their newest attempts. Refuses `PROJECT_ROLE_REQUIRED`. */
  list(viewer: SignedIn, projectId: string): Promise<Outcome<Endpoint[]>> {
    return this.uow.run('webhooks.list', async (tx) => {
      const denied = await requireProjectRole(tx, viewer, projectId, ['maintainer']);
      return denied ?? this.#withAttempts(tx, await endpointsOf(tx, projectId));
    });
  }

  /**
   * Adds an endpoint, which hears what happens from now on. The secret is shown here and never again. Refuses
   * `PROJECT_ROLE_REQUIRED`, `WEBHOOK_URL_INVALID`, `WEBHOOK_TYPES_INVALID`, `WEBHOOK_EXISTS`, `WEBHOOK_TOO_MANY`.
   */
  create(
    viewer: SignedIn,
    input: { projectId: string; url: string; eventTypes: readonly string[] },
  ): Promise<Outcome<{ endpoint: Endpoint; secret: string }>> {
    return this.uow.run('webhooks.create', async (tx) => {
      const denied =
        (await requireProjectRole(tx, viewer, input.projectId, ['maintainer'])) ??
        urlRefusal(input.url, this.config.environment === 'production') ??
        typesRefusal(input.eventTypes);
      if (denied) return denied;
      await tx.query('SELECT 1 FROM project WHERE id = $1 FOR UPDATE', [input.projectId]);
      if ((await endpointsOf(tx, input.projectId)).length >= MAX_ENDPOINTS) return tooMany();
      const row = await insertEndpoint(tx, { ...input, createdBy: viewer.contributorId });
      if (!row) return exists();
      return { endpoint: { ...row, recent: [] }, secret: await this.key.secret(row.id, row.secret_number) };
    });
  }

  /** Makes a new secret; the old one signs nothing from then on. Refuses `WEBHOOK_NOT_FOUND`, `PROJECT_ROLE_REQUIRED`. */
  rotateSecret(viewer: SignedIn, id: string): Promise<Outcome<{ endpoint: Endpoint; secret: string }>> {
    return this.#change(viewer, id, async (tx) => {
      const number = await nextSecret(tx, id);
      return this.key.secret(id, number);
    });
  }

  /**
   * Switches an endpoint on or off, changes its types, or sends everything from a position of the record again.
   * Refuses `WEBHOOK_NOT_FOUND`, `PROJECT_ROLE_REQUIRED`, `WEBHOOK_TYPES_INVALID`, `WEBHOOK_POSITION_INVALID`.
   */
  async set(
    viewer: SignedIn,
    id: string,
    change: { enabled?: boolean; eventTypes?: readonly string[]; fromPosition?: bigint },
  ): Promise<Outcome<Endpoint>> {
    const outcome = await this.#change(viewer, id, async (tx, endpoint) => {
      const faulty = change.eventTypes ? typesRefusal(change.eventTypes) : undefined;
      if (faulty) return faulty;
      const { fromPosition, enabled } = change;
      if (fromPosition !== undefined && (fromPosition < 0n || fromPosition > endpoint.next_position)) {
        return positionRefusal(endpoint.next_position);
      }
      await changeEndpoint(tx, id, {
        ...(enabled === undefined
          ? {}
          : { state: enabled ? 'active' : 'disabled', ...(enabled ? {} : { reason: 'by hand' }) }),
        ...(change.eventTypes ? { eventTypes: change.eventTypes } : {}),
        ...(fromPosition === undefined ? {} : { position: fromPosition }),
      });
      return '';
    });
    return isRefused(outcome) ? outcome : outcome.endpoint;
  }

  #change(
    viewer: SignedIn,
    id: string,
    body: (tx: Tx, endpoint: EndpointRow) => Promise<Outcome<string>>,
  ): Promise<Outcome<{ endpoint: Endpoint; secret: string }>> {
    return this.uow.run('webhooks.change', async (tx) => {
      const endpoint = await lockEndpoint(tx, id);
      if (!endpoint) return notFound();
      const denied = await requireProjectRole(tx, viewer, endpoint.project_id, ['maintainer']);
      // Who may not see it learns nothing of it.
      if (denied) return notFound();
      const secret = await body(tx, endpoint);
      if (isRefused(secret)) return secret;
      const [row] = await this.#withAttempts(tx, [(await lockEndpoint(tx, id)) ?? endpoint]);
      return { endpoint: row ?? { ...endpoint, recent: [] }, secret };
    });
  }

  async #withAttempts(tx: Tx, rows: readonly EndpointRow[]): Promise<Endpoint[]> {
    const attempts = await attemptsOf(
      tx,
      rows.map((row) => row.id),
    );
    return rows.map((row) => ({ ...row, recent: attempts.filter((each) => each.endpoint_id === row.id) }));
  }
}

const notFound = (): Refused =>
  refuse({
    code: 'WEBHOOK_NOT_FOUND',
    message: 'There is no such webhook.',
    hint: 'Take the id from "webhookEndpoints" of a project that you maintain.',
    path: ['input', 'webhookEndpointId'],
  });
const exists = (): Refused =>
  refuse({
    code: 'WEBHOOK_EXISTS',
    message: 'The project has a webhook at this address.',
    hint: 'Change that one, or give another address.',
    path: ['input', 'url'],
  });
const tooMany = (): Refused =>
  refuse({
    code: 'WEBHOOK_TOO_MANY',
    message: `A project has at most ${MAX_ENDPOINTS} webhooks.`,
    hint: 'Use one of them for several purposes.',
    path: ['input', 'projectId'],
  });
const positionRefusal = (next: bigint): Refused =>
  refuse({
    code: 'WEBHOOK_POSITION_INVALID',
    message: 'Events can be sent again only from a position that was passed.',
    detail: `The next position is ${next}.`,
    hint: `Give 0 to ${next}.`,
    path: ['input', 'fromPosition'],
  });
