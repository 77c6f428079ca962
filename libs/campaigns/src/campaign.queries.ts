import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { type Page, type PageArgs, decodeCursor, isUuid, pageOf, pageSize } from '#kernel';
import { type Viewer, UnitOfWork } from '#platform';
import type { CampaignState } from './domain/campaign.machine.js';
import { type Selection, selectionsAt } from './graphql/selection.reader.js';
import { PROGRESS_SOURCE } from './graphql/progress.source.js';
import { type CampaignPageRow, type PartOf, withParts } from './store/campaign-page.row.js';
import {
  type PagePart,
  type PageShape,
  type ProgressSource,
  WHOLE,
  pageStatement,
} from './store/campaign-page.statement.js';

interface NamedPool {
  query(config: { name: string; text: string; values: unknown[] }): Promise<{ rows: CampaignPageRow[] }>;
}

export interface CampaignEventRow {
  readonly id: string;
  readonly type: string;
  readonly position: bigint;
  readonly occurredAt: Date;
  readonly payload: Record<string, unknown>;
}

const STATEMENTS_MAX = 200;

/** Reads of campaigns. A page with everything asked for on it is one statement. */
@Injectable()
export class CampaignQueries {
  private readonly parts = new Map<string, PagePart>();
  private readonly names = new Map<string, string>();

  constructor(
    private readonly dataSource: DataSource,
    private readonly uow: UnitOfWork,
  ) {}

  /** Lets a room above hang a field on the campaign page, delivered by the page's own statement. */
  addPart(part: PagePart): void {
    this.parts.set(part.field, part);
  }

  /**
   * Newest campaigns first. Drafts only for those who may see them. With `fields` rows hold what those are made of, and
   * `looksAhead` false leaves out whether there are more.
   */
  async page(
    viewer: Viewer,
    args: PageArgs & { state?: CampaignState | null | undefined },
    fields?: readonly Selection[],
    looksAhead = true,
  ): Promise<Page<CampaignPageRow>> {
    const limit = pageSize(args.first);
    const after = decodeCursor(args.after);
    const params: unknown[] = [];
    const where: string[] = ['true'];
    if (args.state) where.push(`c.state = $${params.push(args.state) + 1}`);
    if (after && isUuid(after)) where.push(`c.id < $${params.push(after) + 1}`);
    const rows = await this.select(viewer, fields, where.join(' AND '), params, looksAhead ? limit + 1 : limit);
    return pageOf(rows, limit, (row) => row.id);
  }

  byId(viewer: Viewer, id: string, fields?: readonly Selection[]): Promise<CampaignPageRow | undefined> {
    return this.select(viewer, fields, 'c.id = $2', [id], 1).then(([row]) => row);
  }

  bySlug(viewer: Viewer, slug: string, fields?: readonly Selection[]): Promise<CampaignPageRow | undefined> {
    return this.select(viewer, fields, 'c.slug = $2', [slug], 1).then(([row]) => row);
  }

  /** Campaigns by id, for fields of other rooms. */
  async byIds(viewer: Viewer, ids: readonly string[]): Promise<Map<string, CampaignPageRow>> {
    const rows = await this.select(viewer, undefined, 'c.id = ANY($2)', [ids], ids.length);
    return new Map(rows.map((row) => [row.id, row]));
  }

  /** What happened to the campaign and its pledges, newest first, from the public record. */
  async events(campaignId: string, args: PageArgs): Promise<Page<CampaignEventRow>> {
    const limit = pageSize(args.first);
    const after = decodeCursor(args.after);
    const before = after !== undefined && /^\d{1,18}$/.test(after) ? BigInt(after) : null;
    const rows = await this.uow.read((tx) =>
      tx.query<CampaignEventRow>(
        `SELECT id, type, position, occurred_at AS "occurredAt", payload FROM event_outbox
          WHERE aggregate_type = 'campaign' AND aggregate_id = $1 AND is_public AND position IS NOT NULL
            AND ($2::bigint IS NULL OR position < $2)
          ORDER BY position DESC LIMIT ${limit + 1}`,
        [campaignId, before],
      ),
    );
    return pageOf(rows, limit, (row) => String(row.position));
  }

  private async select(
    viewer: Viewer,
    fields: readonly Selection[] | undefined,
    where: string,
    params: readonly unknown[],
    limit: number,
  ): Promise<CampaignPageRow[]> {
    const parts = fields ? this.partsOf(fields) : [];
    const shape: PageShape = { ...audience(viewer), ...shapeOf(fields), parts };
    const text = pageStatement(shape, where, limit);
    const values = [viewer.kind === 'contributor' ? viewer.contributorId : null, ...params];
    // A single statement sees one snapshot by itself, so it goes straight to the pool, prepared under a name.
    const pool = (this.dataSource.driver as unknown as { master: NamedPool }).master;
    // A cursor inside the text makes it one of a kind: not worth a prepared statement.
    const name = parts.some(({ asked }) => asked.args['after'] != null) ? '' : this.nameOf(text);
    const { rows } = await pool.query({ name, text, values });
    return parts.length === 0 ? rows : rows.map((row) => withParts(row, parts));
  }

  /** Parts that were asked for once; one asked for twice with other arguments is left to its own resolver. */
  private partsOf(fields: readonly Selection[]): PartOf[] {
    return [...this.parts.values()].flatMap((part) => {
      const asked = fields.filter((field) => field.name === part.field);
      return asked.length === 1 && asked[0] ? [{ part, asked: asked[0] }] : [];
    });
  }

  private nameOf(text: string): string {
    const known = this.names.get(text);
    if (known) return known;
    if (this.names.size >= STATEMENTS_MAX) return '';
    const name = `campaign_${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
    this.names.set(text, name);
    return name;
  }
}

const audience = (viewer: Viewer): Pick<PageShape, 'visibility' | 'signedIn'> =>
  viewer.kind === 'anonymous'
    ? { visibility: 'public', signedIn: false }
    : { visibility: viewer.platformRoles.has('operator') ? 'operator' : 'member', signedIn: true };

function shapeOf(fields: readonly Selection[] | undefined): Omit<PageShape, 'visibility' | 'signedIn' | 'parts'> {
  if (!fields) return WHOLE;
  const names = new Set(fields.map((field) => field.name));
  return {
    fields: names,
    progress: progressSources(selectionsAt(fields, 'progress')),
    recipe: names.has('recipe'),
    budget: names.has('budget'),
    project: names.has('project'),
  };
}

/** `__typename` alone still makes a progress. */
function progressSources(asked: readonly Selection[]): PageShape['progress'] {
  const known: Readonly<Record<string, ProgressSource>> = PROGRESS_SOURCE;
  const sources = asked.flatMap(({ children }) => children.map((child) => known[child.name] ?? 'tally'));
  return new Set(sources);
}
