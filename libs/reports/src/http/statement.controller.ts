import { Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { isRefused } from '#kernel';
import { fromGlobalId, type Scope, VIEWER_RESOLVER, type Viewer, type ViewerResolver } from '#platform';
import { readSignedStatement } from '../domain/signed-statement.js';
import { mediaTypeOf, renderStatement, STATEMENT_FORMATS } from '../render/statement-renderings.js';
import { Statements } from '../statements.js';

type Person = Viewer & { kind: 'contributor' };

const PROBLEMS = {
  STATEMENT_UNAUTHENTICATED: [401, 'Sign in first, or send a personal API token.'],
  STATEMENT_SCOPE_REQUIRED: [
    403,
    'The token lacks the scope: "pledge:write" for one’s own, "campaign:write" for a campaign.',
  ],
  STATEMENT_NOT_FOUND: [
    404,
    'There is none of this name that you may read. A receipt is there some seconds after the money came.',
  ],
} as const satisfies Record<string, readonly [number, string]>;

/**
 * Private downloads: `/statements/receipts/:pledge`, `/statements/receipts/:pledge/v/:version`,
 * `/statements/invoices/:pledge`, `/statements/years/:year` and `/statements/campaigns/:campaign`, each with the suffix
 * of its form. Pledges and campaigns by their global ids. What belongs to another is answered like what is not there.
 */
@Controller('statements')
export class StatementController {
  constructor(
    private readonly statements: Statements,
    @Inject(VIEWER_RESOLVER) private readonly viewers: ViewerResolver,
  ) {}

  @Get('receipts/:file')
  receipt(@Param('file') file: string, @Req() req: Request, @Res() res: Response): Promise<void> {
    return this.answer(req, res, file, 'pledge:write', (viewer, name) => {
      const id = keyOf('CashPledge', name);
      return id === undefined ? id : this.statements.receipt(viewer, id);
    });
  }

  @Get('receipts/:pledge/v/:file')
  oldReceipt(
    @Param('pledge') pledge: string,
    @Param('file') file: string,
    @Req() req: Request,
    @Res() res: Response,
  ): Promise<void> {
    return this.answer(req, res, file, 'pledge:write', (viewer, version) => {
      const id = keyOf('CashPledge', pledge);
      return id === undefined || !/^[1-9]\d{0,8}$/.test(version)
        ? undefined
        : this.statements.receipt(viewer, id, Number(version));
    });
  }

  @Get('invoices/:file')
  invoice(@Param('file') file: string, @Req() req: Request, @Res() res: Response): Promise<void> {
    return this.answer(req, res, file, 'pledge:write', (viewer, name) => {
      const id = keyOf('CashPledge', name);
      return id === undefined ? id : this.statements.invoice(viewer, id);
    });
  }

  @Get('years/:file')
  year(@Param('file') file: string, @Req() req: Request, @Res() res: Response): Promise<void> {
    return this.answer(req, res, file, 'pledge:write', (viewer, year) =>
      /^20\d\d$/.test(year) ? this.statements.year(viewer, Number(year)) : undefined,
    );
  }

  @Get('campaigns/:file')
  campaign(@Param('file') file: string, @Req() req: Request, @Res() res: Response): Promise<void> {
    return this.answer(req, res, file, 'campaign:write', (viewer, name) => {
      const id = keyOf('Campaign', name);
      return id === undefined ? id : this.statements.campaign(viewer, id);
    });
  }

  private async answer(
    req: Request,
    res: Response,
    file: string,
    scope: Scope,
    find: (viewer: Person, name: string) => Promise<string | undefined> | undefined,
  ): Promise<void> {
    const { authorization, cookie } = req.headers;
    const viewer = await this.viewers.resolve({ authorization, cookie });
    if (viewer.kind === 'anonymous') return problem(res, 'STATEMENT_UNAUTHENTICATED');
    if (viewer.scopes !== 'all' && !viewer.scopes.has(scope)) return problem(res, 'STATEMENT_SCOPE_REQUIRED');
    const dot = file.lastIndexOf('.');
    const json = await find(viewer, file.slice(0, Math.max(dot, 0)));
    const signed = json === undefined ? undefined : readSignedStatement(json);
    const format = signed && STATEMENT_FORMATS[signed.statement.definition].find((one) => one === file.slice(dot + 1));
    if (!signed || !format) return problem(res, 'STATEMENT_NOT_FOUND');
    const { slug, version } = signed.statement;
    res.setHeader('Content-Type', mediaTypeOf(format));
    res.setHeader('Content-Disposition', `attachment; filename="${slug}.v${version}.${format}"`);
    setPrivate(res);
    res.end(await renderStatement(signed, format));
  }
}

/** For the eyes of one person: kept by no cache on the way and by no browser. */
function setPrivate(res: Response): void {
  res.setHeader('Cache-Control', 'private, no-store, no-transform');
  res.setHeader('Vary', 'Authorization, Cookie');
  res.setHeader('Referrer-Policy', 'no-referrer');
  res.setHeader('X-Content-Type-Options', 'nosniff');
}

function keyOf(type: string, globalId: string): string | undefined {
  const id = fromGlobalId(type, globalId, []);
  return isRefused(id) ? undefined : id;
}

function problem(res: Response, code: keyof typeof PROBLEMS): void {
  const [status, hint] = PROBLEMS[code];
  setPrivate(res);
  res
    .status(status)
    .type('application/problem+json')
    .send(JSON.stringify({ type: 'about:blank', status, code, title: hint, hint }));
}
