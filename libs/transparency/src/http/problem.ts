import type { Response } from 'express';

/** An HTTP error that a program can act on (RFC 9457). */
export interface Problem {
  readonly status: 400 | 404 | 406 | 416;
  readonly code: string;
  readonly title: string;
  readonly hint: string;
}

export function sendProblem(res: Response, problem: Problem): void {
  res
    .status(problem.status)
    .setHeader('Content-Type', 'application/problem+json; charset=utf-8')
    .setHeader('Cache-Control', 'no-store')
    .send(
      JSON.stringify({
        type: 'about:blank',
        title: problem.title,
        status: problem.status,
        code: problem.code,
        hint: problem.hint,
      }),
    );
}
