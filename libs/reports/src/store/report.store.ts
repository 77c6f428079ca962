import type { Tx } from '#platform';
import type { Format } from '../render/renderings.js';

export interface ReportFile {
  readonly format: Format;
  readonly sha256: string;
  readonly bytes: number;
}

export interface ReportVersion {
  readonly version: number;
  readonly logSize: number;
  readonly sha256: string;
  readonly correctsVersion: number | null;
  readonly publishedAt: Date;
  readonly files: readonly ReportFile[];
}

/** A report with its versions, newest first. */
export interface ReportRow {
  readonly id: string;
  readonly slug: string;
  readonly title: string;
  readonly definition: string;
  readonly campaignId: string;
  readonly runId: string;
  readonly versions: readonly ReportVersion[];
}

interface StoredRow {
  id: string;
  slug: string;
  title: string;
  definition: string;
  campaign_id: string;
  run_id: string;
  versions: {
    version: number;
    logSize: number;
    sha256: string;
    correctsVersion: number | null;
    publishedAt: string;
    files: ReportFile[];
  }[];
}

// One statement for reports, their versions and their files: a list of reports costs one query.
const SELECT = `
  SELECT r.id, r.slug, r.title, r.definition, r.campaign_id, r.run_id, v.versions
    FROM report r
    CROSS JOIN LATERAL (
      SELECT coalesce(jsonb_agg(jsonb_build_object(
               'version', p.version, 'logSize', p.log_size, 'sha256', p.sha256, 'correctsVersion', p.corrects_version,
               'publishedAt', p.published_at, 'files', f.files) ORDER BY p.version DESC), '[]') AS versions
        FROM report_publication p
        CROSS JOIN LATERAL (
          SELECT coalesce(jsonb_agg(jsonb_build_object('format', x.format, 'sha256', x.sha256, 'bytes', x.bytes) ORDER BY x.format), '[]') AS files
            FROM report_file x WHERE x.report_id = p.report_id AND x.version = p.version) f
       WHERE p.report_id = r.id) v`;

const toReport = (row: StoredRow): ReportRow => ({
  id: row.id,
  slug: row.slug,
  title: row.title,
  definition: row.definition,
  campaignId: row.campaign_id,
  runId: row.run_id,
  versions: row.versions.map((version) => ({ ...version, publishedAt: new Date(version.publishedAt) })),
});

export async function findReport(tx: Tx, by: { id: string } | { slug: string }): Promise<ReportRow | undefined> {
  const [column, value] = 'id' in by ? ['id', by.id] : ['slug', by.slug];
  const [row] = await tx.query<StoredRow>(`${SELECT} WHERE r.${column} = $1`, [value]);
  return row && toReport(row);
}

/** Newest first, from below the id `before`. */
export async function listReports(
  tx: Tx,
  filter: { campaignId?: string | undefined; runId?: string | undefined; before?: string | undefined; limit: number },
): Promise<ReportRow[]> {
  const rows = await tx.query<StoredRow>(
    `${SELECT}
      WHERE ($1::uuid IS NULL OR r.campaign_id = $1) AND ($2::uuid IS NULL OR r.run_id = $2) AND ($3::uuid IS NULL OR r.id < $3)
      ORDER BY r.id DESC LIMIT ${Math.trunc(filter.limit)}`,
    [filter.campaignId ?? null, filter.runId ?? null, filter.before ?? null],
  );
  return rows.map(toReport);
}

/** Publications of one report follow one another: the lock is held to the end of the transaction. */
export async function lockReportOf(tx: Tx, definition: string, runId: string): Promise<void> {
  await tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 12))', [`${definition}:${runId}`]);
}

export async function reportOfRun(tx: Tx, definition: string, runId: string): Promise<ReportRow | undefined> {
  const [row] = await tx.query<StoredRow>(`${SELECT} WHERE r.definition = $1 AND r.run_id = $2`, [definition, runId]);
  return row && toReport(row);
}

export async function slugIsTaken(tx: Tx, slug: string): Promise<boolean> {
  return (await tx.query('SELECT 1 FROM report WHERE slug = $1', [slug])).length > 0;
}

export async function insertReport(tx: Tx, report: Omit<ReportRow, 'versions'>): Promise<void> {
  await tx.query(
    'INSERT INTO report (id, slug, title, definition, campaign_id, run_id, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)',
    [report.id, report.slug, report.title, report.definition, report.campaignId, report.runId, tx.now],
  );
}

export async function insertVersion(
  tx: Tx,
  reportId: string,
  version: Omit<ReportVersion, 'publishedAt'>,
  cause: string | null,
): Promise<void> {
  await tx.query(
    `INSERT INTO report_publication (report_id, version, log_size, sha256, corrects_version, cause, published_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [reportId, version.version, version.logSize, version.sha256, version.correctsVersion, cause, tx.now],
  );
  await tx.query(
    'INSERT INTO report_file (report_id, version, format, sha256, bytes) SELECT $1, $2, * FROM unnest($3::text[], $4::text[], $5::bigint[])',
    [
      reportId,
      version.version,
      version.files.map((f) => f.format),
      version.files.map((f) => f.sha256),
      version.files.map((f) => f.bytes),
    ],
  );
}

export async function causeIsDone(tx: Tx, cause: string): Promise<boolean> {
  return (await tx.query('SELECT 1 FROM report_publication WHERE cause = $1', [cause])).length > 0;
}
