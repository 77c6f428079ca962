import { createHash } from 'node:crypto';
import { Controller, Get, Req, Res } from '@nestjs/common';
import { GraphQLSchemaHost } from '@nestjs/graphql';
import type { Request, Response } from 'express';
import { type GraphQLSchema, printSchema } from 'graphql';

/** The schema of the API that runs, as text to read and to make clients from. */
@Controller()
export class SchemaController {
  private printed: { text: string; etag: string } | undefined;

  constructor(private readonly host: GraphQLSchemaHost) {}

  @Get('schema.graphql')
  schema(@Req() req: Request, @Res() res: Response): void {
    const { text, etag } = (this.printed ??= print(this.host.schema));
    res.setHeader('etag', etag);
    res.setHeader('cache-control', 'public, max-age=300');
    if (req.fresh) res.status(304).end();
    else res.type('text/plain').send(text);
  }
}

function print(schema: GraphQLSchema): { text: string; etag: string } {
  const text = `${printSchema(schema)}\n`;
  return { text, etag: `"${createHash('sha256').update(text).digest('base64url')}"` };
}
