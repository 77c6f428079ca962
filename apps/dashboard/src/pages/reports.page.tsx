/** `/reports` and `/reports-view/:id`: what was published, to download and to check. */
import { reportQuery, reportsQuery } from '../api/documents.js';
import { nodesOf, type Connection, type Report, type ReportVersion } from '../api/shapes.js';
import { bytes, integer } from '../format/amount.js';
import { dateTime } from '../format/moment.js';
import { page, type PageContext, type Result } from '../http/request.js';
import { ProofCheck } from '../islands/proof-check.js';
import { Secret } from '../parts/form.js';
import { Island } from '../parts/island.js';
import { Icon } from '../parts/mark.js';
import { More } from '../parts/more.js';
import { Empty } from '../parts/notice.js';
import { When } from '../parts/who-when.js';
import { words } from '../parts/state.js';
import { failurePage, whyNothing } from './problem.page.js';

interface LogHead {
  size: string;
  rootHash: string;
  keyId: string;
  verifierKey?: string;
}
const kindOf = (report: Report): string => `${words(report.definition.replaceAll('-', ' '))} report`;

export async function reportsPage(context: PageContext): Promise<Result> {
  const after = context.url.searchParams.get('after') ?? undefined;
  const answer = await context.ask<{ reports: Connection<Report>; log: LogHead | null }>(reportsQuery, {
    first: 20,
    after,
  });
  if (!answer.data) return failurePage(answer.problems);
  const reports = nodesOf(answer.data.reports);
  const { log } = answer.data;
  return page({
    title: 'Reports',
    section: 'reports',
    problems: answer.problems,
    body: (
      <div class="wrap">
        <div>
          <h1>Reports</h1>
          <p class="lead">
            Each report is signed, says which state of the public log it speaks of, and can be checked without asking
            us. A published report never changes; a correction is a new version.
          </p>
        </div>
        {log && (
          <p class="log-line">
            <Icon name="seal" /> The log holds <strong>{integer(log.size)}</strong> events under root{' '}
            <code class="hash">{log.rootHash}</code>
          </p>
        )}
        {reports.length === 0 ? (
          <Empty title="No report yet">One is published when a run ends.</Empty>
        ) : (
          <ul class="cards">
            {reports.map((report) => (
              <li key={report.id} class="panel report">
                <div>
                  <p class="card-meta">
                    <span>{kindOf(report)}</span>
                    <span>version {report.version}</span>
                    <When iso={report.publishedAt} now={context.now} />
                  </p>
                  <h2>
                    <a href={`/reports-view/${encodeURIComponent(report.id)}`}>
                      {report.campaign?.title ?? report.title}
                    </a>
                  </h2>
                  <p class="card-meta">
                    as of {integer(report.logSize)} events · SHA-256{' '}
                    <code class="hash">{report.sha256.slice(0, 16)}…</code>
                  </p>
                </div>
                <Downloads version={report} />
              </li>
            ))}
          </ul>
        )}
        <More url={context.url} connection={answer.data.reports} label="Earlier reports" />
      </div>
    ),
  });
}

const order = ['html', 'pdf', 'json', 'csv'];

function Downloads({ version }: { version: ReportVersion }) {
  const list = [...version.downloads].sort(
    (a, b) => order.indexOf(a.format.toLowerCase()) - order.indexOf(b.format.toLowerCase()),
  );
  return (
    <p class="files">
      {list.map((file) => (
        <a key={file.format} class="file" href={pathOf(file.url)} title={`SHA-256 ${file.sha256}`}>
          <Icon name="download" size={14} />
          {file.format.toUpperCase()} <small>{bytes(file.bytes)}</small>
        </a>
      ))}
    </p>
  );
}

/** The report and the key of the log as files, then the check of one against the other, which needs no network. */
const verifyLines = (origin: string, path: string): string =>
  [
    `curl -fsS ${origin}${path} -o report.json`,
    `curl -fsS ${origin}/log/key -o log.key`,
    'commonweights verify report.json --key log.key',
  ].join('\n');

/** Addresses of this site as paths: behind a proxy the API may know itself by another name than the reader does. */
function pathOf(url: string): string {
  const parsed = URL.parse(url, 'http://here');
  return parsed && parsed.pathname.startsWith('/reports/') ? parsed.pathname + parsed.search : url;
}

export async function reportPage(context: PageContext, params: Record<string, string>): Promise<Result> {
  const answer = await context.ask<{ report: Report | null; log: LogHead | null }>(reportQuery, { id: params.id });
  const report = answer.data?.report;
  if (!report) return whyNothing(answer, 'report');
  const wanted = Number(context.url.searchParams.get('version') ?? '0');
  const version = report.versions?.find((one) => one.version === wanted) ?? report;
  const { campaign } = report;
  const json = version.downloads.find((file) => file.format.toLowerCase() === 'json');
  const log = answer.data?.log;
  const proof = json
    ? { jsonUrl: pathOf(json.url), verifierUrl: context.verifierUrl, sha256: json.sha256, keyUrl: '/log/key' }
    : null;
  const corrects =
    version === report
      ? report.supersedes
      : (report.versions?.find((one) => one.version === version.version)?.correctsVersion ?? null);
  const newer = version.version < report.version;
  return page({
    title: campaign ? `${kindOf(report)}: ${campaign.title}` : kindOf(report),
    section: 'reports',
    islands: proof ? ['proof-check'] : [],
    problems: answer.problems,
    body: (
      <div class="wrap">
        <div>
          <p class="crumbs">
            <a href="/reports">Reports</a>
            {campaign && <a href={`/campaigns/${encodeURIComponent(campaign.slug)}`}>{campaign.title}</a>}
          </p>
          <h1>{kindOf(report)}</h1>
          <p class="lead">
            What came in and went out, who gave which compute, what was trained with it, and the evidence for each
            figure. {report.run && <a href={`/runs/${encodeURIComponent(report.run.id)}`}>See the run.</a>}
          </p>
        </div>
        <div class="panels">
          <section class="stack" aria-labelledby="version-head">
            <h2 id="version-head">Version {version.version}</h2>
            {newer && (
              <p>
                There is a newer one:{' '}
                <a href={`/reports-view/${encodeURIComponent(report.id)}`}>version {report.version}</a>.
              </p>
            )}
            <Downloads version={version} />
            <dl class="facts">
              <div>
                <dt>Published</dt>
                <dd>
                  <time dateTime={version.publishedAt}>{dateTime(version.publishedAt)}</time>
                </dd>
              </div>
              <div>
                <dt>Speaks of</dt>
                <dd>the first {integer(version.logSize)} events of the log</dd>
              </div>
              {corrects !== null && (
                <div>
                  <dt>Corrects</dt>
                  <dd>version {corrects}</dd>
                </div>
              )}
              <div>
                <dt>SHA-256</dt>
                <dd>
                  <code class="hash">{version.sha256}</code>
                </dd>
              </div>
              {log?.verifierKey && (
                <div>
                  <dt>Log key</dt>
                  <dd>
                    <code class="hash">{log.verifierKey}</code>
                  </dd>
                </div>
              )}
            </dl>
            {(report.versions?.length ?? 0) > 1 && (
              <p class="muted">
                All versions:{' '}
                {report.versions?.map((one, at) => (
                  <span key={one.version}>
                    {at > 0 && ', '}
                    <a
                      href={`/reports-view/${encodeURIComponent(report.id)}?version=${one.version}`}
                      aria-current={one.version === version.version ? 'true' : undefined}
                    >
                      {one.version}
                    </a>
                  </span>
                ))}
              </p>
            )}
          </section>
          <section class="stack" aria-labelledby="proof-head">
            <h2 id="proof-head">Check it yourself</h2>
            {proof && (
              <Island name="proof-check" data={proof}>
                <ProofCheck {...proof} />
              </Island>
            )}
            <p class="muted">Or without a browser, on a machine that has never seen this site:</p>
            {json && <Secret id="verify-command" text={verifyLines(context.origin, pathOf(json.url))} />}
            <p class="fine">
              A key that comes with the report proves little. Compare log.key with the one that you got elsewhere
              before.
            </p>
          </section>
        </div>
      </div>
    ),
  });
}
