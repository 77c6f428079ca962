import { pipeline } from 'node:stream/promises';
import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { FileStore } from '#platform';
import { type Problem, sendProblem } from '#transparency';
import { type Format, FORMATS } from '../render/renderings.js';
import { ReportQueries } from '../report.queries.js';
import type { ReportFile, ReportRow, ReportVersion } from '../store/report.store.js';
import { byteRange, namesTag } from './byte-range.js';
import { latestPath, splitSuffix, versionPath } from './report-address.js';

const FORMAT_NAMES = ['html', 'json', 'csv', 'pdf'] as const satisfies readonly Format[];
// no-transform: the digest and the tag are of these very bytes, so nobody on the way may compress them.
const FOREVER = 'public, max-age=31536000, immutable, no-transform';
const SHORT = 'public, max-age=10, must-revalidate, no-transform';
const PAGE_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

const NOT_FOUND: Problem = {
  status: 404,
  code: 'REPORT_NOT_FOUND',
  title: 'There is no such report or version.',
  hint: 'Find reports and their addresses with the GraphQL field "reports".',
};

/**
 * Downloads. `/reports/:slug` and `/reports/:slug/latest` are the newest version, `/reports/:slug/v/:version` is one for
 * ever; the form is chosen by suffix (.html, .json, .csv, .pdf) or by the Accept header.
 */
@Controller('reports')
export class ReportController {
  constructor(
    private readonly queries: ReportQueries,
    private readonly files: FileStore,
  ) {}

  @Get(':name')
  async newest(@Param('name') name: string, @Req() req: Request, @Res() res: Response): Promise<void> {
    const { stem, format } = splitSuffix(name);
    await this.answer(req, res, { slug: stem, version: 'latest', format });
  }

  @Get(':slug/:latest')
  async latest(
    @Param('slug') slug: string,
    @Param('latest') latest: string,
    @Req() req: Request,
    @Res() res: Response,
  ): Promise<void> {
    const { stem, format } = splitSuffix(latest);
    if (stem !== 'latest') return sendProblem(res, NOT_FOUND);
    await this.answer(req, res, { slug, version: 'latest', format });
  }

  @Get(':slug/v/:version')
  async version(
    @Param('slug') slug: string,
    @Param('version') version: string,
    @Req() req: Request,
    @Res() res: Response,
  ): Promise<void> {
    const { stem, format } = splitSuffix(version);
    if (!/^[1-9]\d{0,8}$/.test(stem)) return sendProblem(res, NOT_FOUND);
    await this.answer(req, res, { slug, version: Number(stem), format });
  }

  private async answer(
    req: Request,
    res: Response,
    wanted: { slug: string; version: number | 'latest'; format: Format | undefined },
  ): Promise<void> {
    const report = await this.queries.bySlug(wanted.slug);
    const version =
      wanted.version === 'latest'
        ? report?.versions[0]
        : report?.versions.find((one) => one.version === wanted.version);
    if (!report || !version) return sendProblem(res, NOT_FOUND);
    if (wanted.format === undefined) res.vary('Accept');
    const format = wanted.format ?? (req.accepts([...FORMAT_NAMES]) as Format | false);
    if (format === false) {
      return sendProblem(res, {
        status: 406,
        code: 'REPORT_FORMAT_NOT_ACCEPTABLE',
        title: 'The report has none of the forms that you accept.',
        hint: `It has ${FORMAT_NAMES.join(', ')}; add one of them as a suffix.`,
      });
    }
    const file = version.files.find((one) => one.format === format);
    if (!file) return sendProblem(res, NOT_FOUND);
    setHeaders(res, { report, version, file, isPermanent: wanted.version !== 'latest' });
    await this.send(req, res, file);
  }

  private async send(req: Request, res: Response, file: ReportFile): Promise<void> {
    const tag = `"${file.sha256}"`;
    if (namesTag(req.get('If-None-Match'), tag, true)) {
      res.removeHeader('Content-Type');
      res.status(304).end();
      return;
    }
    const rangeHolds = req.get('If-Range') === undefined || namesTag(req.get('If-Range'), tag, false);
    const range = byteRange(rangeHolds ? req.get('Range') : undefined, file.bytes);
    if (range.kind === 'unsatisfiable') {
      res.setHeader('Content-Range', `bytes */${file.bytes}`);
      return sendProblem(res, {
        status: 416,
        code: 'REPORT_RANGE_NOT_SATISFIABLE',
        title: 'The range lies outside the file.',
        hint: `The file has ${file.bytes} bytes.`,
      });
    }
    if (range.kind === 'part') {
      res.status(206).setHeader('Content-Range', `bytes ${range.start}-${range.end}/${file.bytes}`);
      res.setHeader('Content-Length', range.end - range.start + 1);
    } else {
      res.setHeader('Content-Length', file.bytes);
    }
    if (req.method === 'HEAD') {
      res.end();
      return;
    }
    const opened = await this.files.open(file.sha256, range.kind === 'part' ? range : undefined);
    if (!opened) throw new Error(`The file ${file.sha256} of a published report is missing from the file store.`);
    // A reader that goes away in the middle is no error of ours.
    await pipeline(opened.stream, res).catch((error: { code?: string }) => {
      if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
    });
  }
}

function setHeaders(
  res: Response,
  of: { report: ReportRow; version: ReportVersion; file: ReportFile; isPermanent: boolean },
): void {
  const { report, version, file, isPermanent } = of;
  const name = `${report.slug}.v${version.version}.${file.format}`;
  res.setHeader('Content-Type', FORMATS[file.format]);
  res.setHeader('Content-Disposition', `${file.format === 'csv' ? 'attachment' : 'inline'}; filename="${name}"`);
  res.setHeader('Content-Location', versionPath(report.slug, version.version, file.format));
  res.setHeader('ETag', `"${file.sha256}"`);
  res.setHeader('Repr-Digest', `sha-256=:${Buffer.from(file.sha256, 'hex').toString('base64')}:`);
  res.setHeader('Last-Modified', version.publishedAt.toUTCString());
  res.setHeader('Accept-Ranges', 'bytes');
  res.setHeader('Cache-Control', isPermanent ? FOREVER : SHORT);
  res.setHeader('X-Content-Type-Options', 'nosniff');
  res.setHeader('Link', linksOf(report, version, file.format));
  if (file.format === 'html') res.setHeader('Content-Security-Policy', PAGE_POLICY);
}

function linksOf(report: ReportRow, version: ReportVersion, format: Format): string {
  const link = (path: string, rel: string, type?: string): string =>
    `<${path}>; rel="${rel}"${type ? `; type="${type}"` : ''}`;
  const previous = report.versions.find((one) => one.version === version.version - 1);
  return [
    link(versionPath(report.slug, version.version, format), 'canonical'),
    ...FORMAT_NAMES.filter((other) => other !== format).map((other) =>
      link(versionPath(report.slug, version.version, other), 'alternate', FORMATS[other].split(';')[0]),
    ),
    link(latestPath(report.slug, format), 'latest-version'),
    ...(previous ? [link(versionPath(report.slug, previous.version, format), 'predecessor-version')] : []),
    link('/log/key', 'describedby', 'text/plain'),
  ].join(', ');
}
