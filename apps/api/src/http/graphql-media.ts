import type { NextFunction, Request, Response } from 'express';

/**
 * Methods and media types of GraphQL over HTTP, refused before a body is read. A person who follows a link here with a
 * browser is shown the schema.
 */
export function graphqlMedia(req: Request, res: Response, next: NextFunction): void {
  if (req.method !== 'GET' && req.method !== 'POST') {
    res.setHeader('allow', 'GET, POST');
    refuse(res, 405, 'METHOD_NOT_ALLOWED', 'GraphQL is asked by POST, or by GET for queries.');
  } else if (req.method === 'POST' && !isJson(req.headers['content-type'])) {
    res.setHeader('accept-post', 'application/json');
    refuse(res, 415, 'UNSUPPORTED_MEDIA_TYPE', 'Send the request as application/json in UTF-8.');
  } else if (req.method === 'GET' && req.query['query'] === undefined && takesHtml(req)) {
    res.setHeader('vary', 'accept');
    res.redirect(303, '/schema.graphql');
  } else next();
}

/** A browser names HTML first; a program that says `*` + `/*` means JSON. */
const takesHtml = (req: Request): boolean =>
  req.accepts('application/json', 'application/graphql-response+json', 'text/html') === 'text/html';

/** `application/json`, in UTF-8 where a charset is named. */
function isJson(contentType: string | undefined): boolean {
  const [type = '', ...parameters] = (contentType ?? '')
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  return (
    type === 'application/json' && parameters.every((p) => !p.startsWith('charset') || /^charset="?utf-8"?$/.test(p))
  );
}

const refuse = (res: Response, status: number, code: string, message: string): void => {
  res.status(status).json({ errors: [{ message, extensions: { code } }] });
};
