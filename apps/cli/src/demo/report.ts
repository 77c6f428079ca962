import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ApiClient, until } from './client.js';
import type { Stage } from './main-job.js';

interface ReportState {
  id: string;
  slug: string;
  logSize: string;
  downloads: { format: string; url: string; sha256: string }[];
}

/**
 * Waits for the run's report, downloads every form of it as anybody may, and has the command line verify the JSON
 * offline in another process. Also downloads the promoted checkpoint and compares its digest.
 */
export async function checkReport(stage: Stage, api: ApiClient, runId: string): Promise<boolean> {
  const { progress, signal } = stage;
  const settled = await until(
    'settlement',
    signal,
    () => api.query<{ run: { usage: Usage[]; checkpoints: { nodes: CheckpointState[] } } }>(RUN, { runId }),
    ({ run }) => run.usage.length > 0 && run.checkpoints.nodes.some((c) => c.state === 'PROMOTED'),
  );
  for (const { node, contributor, delivered, accepted } of settled.run.usage) {
    progress.line(
      `  Settled: ${node?.name ?? ''} of ${contributor.displayName}: ${ms(delivered)} CPU-seconds delivered, ${ms(accepted)} accepted.`,
    );
  }
  const intact = await downloadCheckpoint(
    stage,
    settled.run.checkpoints.nodes.find((c) => c.state === 'PROMOTED'),
  );
  const reports = await until(
    'the report',
    signal,
    () => api.query<{ reports: { nodes: ReportState[] } }>(REPORTS, { runId }),
    ({ reports: found }) => found.nodes.length > 0,
  );
  const [report] = reports.reports.nodes;
  if (!report) return false;
  const folder = join(stage.home.path, 'downloads');
  mkdirSync(folder, { recursive: true });
  let json: string | undefined;
  for (const download of report.downloads) {
    const response = await api.persist(() => fetch(new URL(download.url, stage.url)));
    const bytes = Buffer.from(await response.arrayBuffer());
    if (createHash('sha256').update(bytes).digest('hex') !== download.sha256) {
      progress.line(`  The ${download.format} report differs from its announced digest.`);
      return false;
    }
    const file = join(folder, `${report.slug.replaceAll('/', '-')}.${download.format.toLowerCase()}`);
    writeFileSync(file, bytes);
    if (download.format.toLowerCase() === 'json') json = file;
  }
  progress.line(
    `  Report ${report.slug} (log size ${report.logSize}) downloaded as ${report.downloads.map((d) => d.format).join(', ')}.`,
  );
  const key = join(folder, 'log.key');
  writeFileSync(key, await (await api.persist(() => fetch(`${stage.url}/log/key`))).text());
  return intact && json !== undefined && (await verify(stage, json, key));
}

/** In another process, with nothing but the file and the key. */
function verify(stage: Stage, file: string, key: string): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(
      process.execPath,
      [join(stage.packageRoot, 'dist/apps/cli/src/main.js'), 'verify', file, '--key', key],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        for (const line of chunk.toString('utf8').split('\n').filter(Boolean)) stage.progress.line(`    ${line}`);
      });
    }
    child.on('close', (code) => {
      stage.progress.line(
        `  commonweights verify, in another process: ${code === 0 ? 'everything holds' : `FAILED (${code})`}.`,
      );
      resolve(code === 0);
    });
  });
}

interface CheckpointState {
  state: string;
  step: number;
  files: { path: string; sha256: string; downloadUrl: string | null }[];
}

async function downloadCheckpoint(stage: Stage, checkpoint: CheckpointState | undefined): Promise<boolean> {
  let bytes = 0;
  for (const file of checkpoint?.files ?? []) {
    const response = await fetch(new URL(file.downloadUrl ?? '', stage.url));
    const body = Buffer.from(await response.arrayBuffer());
    bytes += body.length;
    if (createHash('sha256').update(body).digest('hex') !== file.sha256) {
      stage.progress.line(`  Checkpoint file ${file.path} differs from its digest.`);
      return false;
    }
  }
  stage.progress.line(
    `  Promoted checkpoint of step ${checkpoint?.step} downloaded: ${checkpoint?.files.length} files, ${bytes} bytes, digests match.`,
  );
  return bytes > 0;
}

interface Usage {
  node: { name: string } | null;
  contributor: { displayName: string };
  delivered: { milliseconds: string };
  accepted: { milliseconds: string };
}

const RUN = `query Run($runId: ID!) { run(id: $runId) {
  usage { node { name } contributor { displayName } delivered { milliseconds } accepted { milliseconds } }
  checkpoints(first: 20) { nodes { state step files { path sha256 downloadUrl } } } } }`;

const REPORTS = `query Reports($runId: ID!) { reports(first: 5, runId: $runId) { nodes {
  id slug logSize downloads { format url sha256 } } } }`;

const ms = (time: { milliseconds: string }): string =>
  `${BigInt(time.milliseconds) / 1000n}.${String(BigInt(time.milliseconds) % 1000n).padStart(3, '0')}`;
