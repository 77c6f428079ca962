import { Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { UnitOfWork, VIEWER_RESOLVER, type ViewerResolver } from '#platform';
import { exportLines, EXPORTS } from '../csv-export.js';

const PROBLEMS = {
  RECONCILIATION_UNAUTHENTICATED: [401, 'Sign in first, or send a personal API token.'],
  RECONCILIATION_FORBIDDEN: [403, 'Operators decide about differences, and read them.'],
  RECONCILIATION_EXPORT_NOT_FOUND: [404, 'There are cases.csv and matches.csv.'],
} as const satisfies Record<string, readonly [number, string]>;

/** Downloads for operators: `/reconciliation/exports/cases.csv` and `/reconciliation/exports/matches.csv`. */
@Controller('reconciliation/exports')
export class ExportController {
  constructor(
    private readonly uow: UnitOfWork,
    @Inject(VIEWER_RESOLVER) private readonly viewers: ViewerResolver,
  ) {}

  @Get(':file')
  async csv(@Param('file') file: string, @Req() req: Request, @Res() res: Response): Promise<void> {
    const { authorization, cookie } = req.headers;
    const viewer = await this.viewers.resolve({ authorization, cookie });
    if (viewer.kind === 'anonymous') return problem(res, 'RECONCILIATION_UNAUTHENTICATED');
    if (!viewer.platformRoles.has('operator')) return problem(res, 'RECONCILIATION_FORBIDDEN');
    const name = EXPORTS.find((one) => file === `${one}.csv`);
    if (name === undefined) return problem(res, 'RECONCILIATION_EXPORT_NOT_FOUND');
    setPrivate(res);
    res.setHeader('Content-Type', 'text/csv; charset=utf-8; header=present');
    res.setHeader('Content-Disposition', `attachment; filename="reconciliation-${file}"`);
    for await (const line of exportLines(this.uow, name)) {
      if (!res.write(line)) await new Promise((resolve) => res.once('drain', resolve).once('close', resolve));
      if (res.destroyed) return;
    }
    res.end();
  }
}

/** For the eyes of operators: kept by no cache on the way and by no browser. */
function setPrivate(res: Response): void {
  res.setHeader('Cache-Control', 'private, no-store, no-transform');
  res.setHeader('Vary', 'Authorization, Cookie');
  res.setHeader('Referrer-Policy', 'no-referrer');
  res.setHeader('X-Content-Type-Options', 'nosniff');
}

function problem(res: Response, code: keyof typeof PROBLEMS): void {
  const [status, hint] = PROBLEMS[code];
  setPrivate(res);
  res
    .status(status)
    .type('application/problem+json')
    .send(JSON.stringify({ type: 'about:blank', status, code, title: hint, hint }));
}
