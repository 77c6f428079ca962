import { Injectable } from '@nestjs/common';
import { Config, toGlobalId, UnitOfWork } from '#platform';
import { TransparencyLog } from '#transparency';
import { bytes } from '#transparency/pure';
import { latestPath, versionPath } from '../http/report-address.js';
import { FORMATS } from '../render/renderings.js';
import type { ReportRow, ReportVersion } from '../store/report.store.js';
import type { Report, ReportDownload, ReportVersionType } from './report.types.js';

/** Reports as GraphQL shows them: with absolute addresses and the id of the log's key. */
@Injectable()
export class ReportPresenter {
  constructor(
    private readonly config: Config,
    private readonly uow: UnitOfWork,
    private readonly log: TransparencyLog,
  ) {}

  async mapper(): Promise<(row: ReportRow) => Report> {
    const signatureKeyId = bytes.toHex((await this.uow.read((tx) => this.log.verifierKey(tx))).id);
    return (row) => this.toReport(row, signatureKeyId);
  }

  private toReport(row: ReportRow, signatureKeyId: string): Report {
    const versions = row.versions.map((version) => this.toVersion(row.slug, version));
    const [latest] = versions;
    if (!latest) throw new Error(`The report ${row.slug} has no version.`);
    return {
      id: toGlobalId('Report', row.id),
      slug: row.slug,
      title: row.title,
      definition: row.definition,
      version: latest.version,
      logSize: latest.logSize,
      sha256: latest.sha256,
      publishedAt: latest.publishedAt,
      signatureKeyId,
      supersedes: latest.correctsVersion,
      url: new URL(latestPath(row.slug), this.config.publicUrl).href,
      downloads: latest.downloads,
      versions,
      campaignKey: row.campaignId,
      runKey: row.runId,
    };
  }

  private toVersion(slug: string, version: ReportVersion): ReportVersionType {
    const downloads = version.files.map((file): ReportDownload => ({
      format: file.format,
      mediaType: FORMATS[file.format].split(';')[0] ?? '',
      url: new URL(versionPath(slug, version.version, file.format), this.config.publicUrl).href,
      bytes: BigInt(file.bytes),
      sha256: file.sha256,
    }));
    const { logSize, sha256, correctsVersion, publishedAt } = version;
    return { version: version.version, logSize: BigInt(logSize), sha256, correctsVersion, publishedAt, downloads };
  }
}
