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
    res.on('finish', () => {
      const ms = performance.now() - started;
      const route = routeOf(req);
      metrics.httpSeconds.observe({ method: req.method, route, status: String(res.statusCode) }, ms / 1000);
      const level =
        res.statusCode >= 500 ? 'error' : QUIET.test(req.path) || route === '/agent/v1/heartbeat' ? 'debug' : 'info';
      logger[level](
        { requestId, method: req.method, path: req.path, status: res.statusCode, ms: Math.round(ms) },
        'request',
      );
    });
    withRequestScope({ requestId }, next);
  };

/** The path with ids taken out, so that the metric has few series. */
const routeOf = (req: Request): string =>
  ((req.route as { path?: string } | undefined)?.path ?? req.path)
    .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27,}/g, ':id')
    .replaceAll(/\/\d+(?=\/|$)/g, '/:n')
    .slice(0, 60);
