import { Injectable } from '@nestjs/common';
import { isRefused, isUuid, newId, type Outcome } from '#kernel';
import { requireProjectRole } from '#identity';
import { ANONYMOUS, FileStore, type Tx, UnitOfWork, type Viewer } from '#platform';
import { TransparencyLog } from '#transparency';
import { bytes } from '#transparency/pure';
import { text } from './domain/cited-event.js';
import { RUN_TRANSPARENCY, runReport, type RunReport, reportText } from './domain/run-report.js';
import { SIGNED_REPORT_FORMAT, type SignedReport } from './domain/signed-report.js';
import { type Format, FORMATS, render, reportDigest } from './render/renderings.js';
import { refuseReport } from './reports.refusal.js';
import { newestRunOf, type RunEvidence, runEvidence } from './run-evidence.js';
import {
  causeIsDone,
  insertReport,
  insertVersion,
  lockReportOf,
  type ReportFile,
  type ReportRow,
  reportOfRun,
  slugIsTaken,
} from './store/report.store.js';

export interface PublishInput {
  readonly definition: string;
  readonly runId?: string | undefined;
  readonly campaignId?: string | undefined;
}

/** One version of a report, as it was just published. */
export interface Published {
  readonly reportId: string;
  readonly slug: string;
  readonly version: number;
  readonly sha256: string;
}

/**
 * Publishes reports. Each is a function of the log up to its newest checkpoint; it is signed, stored in every form and
 * announced by `report.published`, which puts its digest into the log in turn.
 */
@Injectable()
export class ReportCommands {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly log: TransparencyLog,
    private readonly files: FileStore,
  ) {}

  /** By hand. Who may: maintainers and auditors of the project, and platform operators. */
  publish(input: PublishInput, viewer?: Viewer): Promise<Outcome<Published>> {
    return this.uow.run('reports.publish', async (tx) => {
      if (input.definition !== RUN_TRANSPARENCY)
        return refuseReport('REPORT_DEFINITION_UNKNOWN', ['input', 'definition']);
      if ((input.runId === undefined) === (input.campaignId === undefined))
        return refuseReport('REPORT_SUBJECT_MISSING', ['input']);
      const size = await this.log.size(tx);
      const path = ['input', input.runId === undefined ? 'campaignId' : 'runId'];
      const runId = input.runId ?? (await newestRunOf(tx, this.log, input.campaignId ?? '', size));
      const evidence = runId === undefined ? undefined : await runEvidence(tx, this.log, runId, size);
      if (!evidence) return refuseReport('REPORT_RUN_NOT_FOUND', path);
      if (viewer) {
        const denied = await this.denied(tx, viewer, evidence);
        if (denied) return denied;
      }
      return this.publishFrom(tx, evidence, size, null);
    });
  }

  /**
   * On behalf of an event, inside the caller's transaction. Happens once for each cause; later calls answer undefined.
   * Throws when the log doesn't hold the run, so that the event is delivered again.
   */
  async publishOnce(tx: Tx, runId: string, cause: string): Promise<Published | undefined> {
    await lockReportOf(tx, RUN_TRANSPARENCY, runId);
    if (await causeIsDone(tx, cause)) return undefined;
    const size = await this.log.size(tx);
    const evidence = await runEvidence(tx, this.log, runId, size);
    if (!evidence) throw new Error(`The log does not hold the run ${runId} yet.`);
    const published = await this.publishFrom(tx, evidence, size, cause);
    // Unchanged since somebody published by hand: the cause is met already.
    return isRefused(published) ? undefined : published;
  }

  private async denied(tx: Tx, viewer: Viewer, evidence: RunEvidence) {
    if (viewer.kind === 'contributor' && viewer.platformRoles.has('operator')) return undefined;
    const live = evidence.events.find((event) => event.type === 'campaign.live');
    const projectId = live ? text(live.payload, 'projectId') : '';
    // Before the campaign is live the log names no project, and then nobody has a role in it.
    return requireProjectRole(tx, isUuid(projectId) ? viewer : ANONYMOUS, projectId, ['maintainer', 'auditor']);
  }

  private async publishFrom(
    tx: Tx,
    evidence: RunEvidence,
    size: number,
    cause: string | null,
  ): Promise<Outcome<Published>> {
    const { subject } = evidence;
    await lockReportOf(tx, RUN_TRANSPARENCY, subject.runId);
    const existing = await reportOfRun(tx, RUN_TRANSPARENCY, subject.runId);
    const last = existing?.versions[0];
    if (existing && last && (await this.isUnchanged(tx, existing, evidence, last.logSize))) {
      return refuseReport('REPORT_UNCHANGED', ['input'], `Version ${last.version} speaks of the same events.`);
    }
    const header = existing ?? {
      id: newId(),
      slug: await this.freeSlug(tx, evidence),
      title: titleOf(evidence),
      definition: RUN_TRANSPARENCY,
      campaignId: subject.campaignId,
      runId: subject.runId,
    };
    if (!existing) await insertReport(tx, header);
    const signed = await this.sign(tx, evidence, size, {
      reportId: header.id,
      slug: header.slug,
      version: (last?.version ?? 0) + 1,
      corrects: last ? { version: last.version, sha256: last.sha256 } : null,
    });
    const sha256 = reportDigest(signed);
    const { version } = signed.report;
    const files = await this.store(signed);
    await insertVersion(
      tx,
      header.id,
      { version, logSize: size, sha256, correctsVersion: last?.version ?? null, files },
      cause,
    );
    tx.emit({
      type: 'report.published',
      aggregateType: 'report',
      aggregateId: header.id,
      isPublic: true,
      payload: {
        reportId: header.id,
        slug: header.slug,
        definition: RUN_TRANSPARENCY,
        version,
        correctsVersion: last?.version ?? null,
        campaignId: subject.campaignId,
        runId: subject.runId,
        logSize: String(size),
        sha256,
        files: files.map((file) => ({ format: file.format, sha256: file.sha256, bytes: file.bytes })),
      },
    });
    return { reportId: header.id, slug: header.slug, version, sha256 };
  }

  private async isUnchanged(tx: Tx, report: ReportRow, evidence: RunEvidence, lastSize: number): Promise<boolean> {
    const before = await runEvidence(tx, this.log, report.runId, lastSize);
    return before?.events.length === evidence.events.length;
  }

  private async sign(
    tx: Tx,
    evidence: RunEvidence,
    size: number,
    header: Pick<RunReport, 'reportId' | 'slug' | 'version' | 'corrects'>,
  ): Promise<SignedReport> {
    const key = await this.log.signingKey();
    const checkpoint = await this.log.checkpoint(tx, size);
    if (!checkpoint) throw new Error(`The log has no checkpoint of its size ${size}.`);
    const report = runReport({
      ...header,
      log: { origin: key.origin, size, rootHash: bytes.toBase64(checkpoint.rootHash) },
      subject: evidence.subject,
      events: evidence.events,
    });
    const proofs = await this.log.inclusionProofs(tx, report.cites, size);
    return {
      format: SIGNED_REPORT_FORMAT,
      report,
      signature: {
        algorithm: 'Ed25519',
        key: key.verifierKeyText,
        value: bytes.toBase64(key.sign(bytes.utf8(reportText(report)))),
      },
      evidence: {
        checkpoint: checkpoint.note,
        leaves: evidence.leaves.map((leaf, i) => ({
          index: leaf.index,
          data: Buffer.from(leaf.data).toString('utf8'),
          proof: (proofs[i] ?? []).map(bytes.toBase64),
        })),
      },
    };
  }

  /** Files are kept by content, so a publication that is rolled back leaves at most bytes that nobody points to. */
  private async store(signed: SignedReport): Promise<ReportFile[]> {
    const files: ReportFile[] = [];
    for (const format of Object.keys(FORMATS).sort() as Format[]) {
      const { sha256, bytes: length } = await this.files.put(await render(signed, format));
      files.push({ format, sha256, bytes: length });
    }
    return files;
  }

  private async freeSlug(tx: Tx, { subject, events }: RunEvidence): Promise<string> {
    const live = events.find((event) => event.type === 'campaign.live');
    const campaign = (live ? text(live.payload, 'slug') : '')
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^-+|-+$/g, '')
      .slice(0, 60)
      .replace(/-+$/, '');
    const slug = campaign === '' ? `run-${subject.runId}` : `${campaign}-run-transparency`;
    return (await slugIsTaken(tx, slug)) ? `${slug}-${subject.runId.slice(-12)}` : slug;
  }
}

function titleOf({ subject, events }: RunEvidence): string {
  const live = events.find((event) => event.type === 'campaign.live');
  return `Run transparency report: ${(live && text(live.payload, 'title')) || `run ${subject.runId}`}`;
}
