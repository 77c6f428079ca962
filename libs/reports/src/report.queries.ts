import { Injectable } from '@nestjs/common';
import { decodeCursor, isUuid, type Page, type PageArgs, pageOf, pageSize } from '#kernel';
import { UnitOfWork } from '#platform';
import { findReport, listReports, type ReportRow } from './store/report.store.js';

/** Reads of published reports; all of it is public. */
@Injectable()
export class ReportQueries {
  constructor(private readonly uow: UnitOfWork) {}

  byId(id: string): Promise<ReportRow | undefined> {
    return this.uow.read((tx) => findReport(tx, { id }));
  }

  async bySlug(slug: string): Promise<ReportRow | undefined> {
    // Anything else can't be one, and some of it (a NUL) PostgreSQL would not even take.
    if (!/^[a-z0-9-]{1,120}$/.test(slug)) return undefined;
    return this.uow.read((tx) => findReport(tx, { slug }));
  }

  async page(
    args: PageArgs,
    filter: { campaignId?: string | undefined; runId?: string | undefined } = {},
  ): Promise<Page<ReportRow>> {
    const limit = pageSize(args.first);
    const cursor = decodeCursor(args.after);
    const before = cursor !== undefined && isUuid(cursor) ? cursor : undefined;
    const rows = await this.uow.read((tx) => listReports(tx, { ...filter, before, limit: limit + 1 }));
    return pageOf(rows, limit, (row) => row.id);
  }
}
