import { isUuid, newId } from '#kernel';
import { type Logger, type Metrics, withRequestScope } from '#platform';
import type { NextFunction, Request, Response } from 'express';

const QUIET = /^\/(health|metrics|assets)/;

/** Gives each request an id (the caller's, if it is a UUID), answers with it, logs and measures the request. */
export const requestLog =
  (logger: Logger, metrics: Metrics) =>
  (req: Request, res: Response, next: NextFunction): void => {
    const given = req.headers['x-request-id'];
    const requestId = typeof given === 'string' && isUuid(given) ? given : newId();
    const started = performance.now();
    res.setHeader('x-request-id', requestId);
    res.setHeader('x-content-type-options', 'nosniff');
    // Not `finish`: a client that hangs up is to be seen too.
    res.on('close', () => {
      const ms = performance.now() - started;
      const route = routeOf(req);
      metrics.httpSeconds.observe({ method: req.method, route, status: String(res.statusCode) }, ms / 1000);
      const level =
        res.statusCode >= 500 ? 'error' : QUIET.test(req.path) || route === '/agent/v1/heartbeat' ? 'debug' : 'info';
      logger[level](
        {
          requestId,
          method: req.method,
          path: req.originalUrl.split('?', 1)[0],
          status: res.statusCode,
          ms: Math.round(ms),
          ...(res.writableFinished ? {} : { aborted: true }),
        },
        'request',
      );
    });
    withRequestScope({ requestId }, next);
  };

/**
 * The pattern of the route that answered, else the first segment of the path when it is one of ours: a stranger's paths
 * must not make series in the metrics.
 */
const routeOf = (req: Request): string => {
  const [, area = ''] = req.originalUrl.split(/[/?]/, 2);
  const pattern = (req.route as { path?: unknown } | undefined)?.path;
  // The pages' catch-all sees GraphQL too and passes it on.
  if (typeof pattern === 'string' && !pattern.includes('*')) return pattern;
  return /^(graphql|agent|stripe|assets)$/.test(area) ? `/${area}` : pattern === undefined ? 'other' : 'page';
};
