import { createHash } from 'node:crypto';
import { Controller, Get, NotFoundException, Param, Req, Res } from '@nestjs/common';
import { Config } from '#platform';
import type { Request, Response } from 'express';
import { PageGraphql } from './page-graphql.js';

interface Told {
  readonly id: string;
  readonly number: number;
  readonly title: string;
  readonly paragraphs: readonly string[];
  readonly publishedAt: string;
  readonly writtenAt: string;
}
interface Answer {
  readonly campaignBySlug: {
    readonly id: string;
    readonly title: string;
    readonly createdAt: string;
    readonly project: { readonly name: string } | null;
    readonly updates: { readonly nodes: readonly Told[] };
  } | null;
}

const QUERY = `query UpdatesFeed($slug: String!) { campaignBySlug(slug: $slug) { id title createdAt project { name }
  updates(first: 50) { nodes { id number title paragraphs publishedAt writtenAt } } } }`;

/** A campaign's public updates as an Atom feed (RFC 4287). It is asked for as nobody, so what is for backers stays out. */
@Controller()
export class UpdatesFeedController {
  constructor(
    private readonly graphql: PageGraphql,
    private readonly config: Config,
  ) {}

  @Get('campaigns/:slug/updates.atom')
  async feed(@Param('slug') slug: string, @Req() req: Request, @Res() res: Response): Promise<void> {
    const { data } = await this.graphql.ask(QUERY, { slug }, {});
    const campaign = (data as Answer | null | undefined)?.campaignBySlug;
    if (!campaign) throw new NotFoundException();
    const text = atom(campaign, new URL(`/campaigns/${encodeURIComponent(slug)}/updates`, this.config.publicUrl).href);
    res.setHeader('etag', `"${createHash('sha256').update(text).digest('base64url')}"`);
    res.setHeader('cache-control', 'public, max-age=300');
    res.setHeader('x-content-type-options', 'nosniff');
    if (req.fresh) res.status(304).end();
    else res.type('application/atom+xml').send(text);
  }
}

export function atom(campaign: NonNullable<Answer['campaignBySlug']>, page: string): string {
  const updates = campaign.updates.nodes;
  const newest = updates.map(({ writtenAt }) => writtenAt).sort((a, b) => b.localeCompare(a))[0];
  const author = `<author><name>${escaped(campaign.project?.name ?? campaign.title)}</name></author>`;
  return [
    '<?xml version="1.0" encoding="utf-8"?>',
    '<feed xmlns="http://www.w3.org/2005/Atom">',
    `<id>${escaped(page)}</id>`,
    `<title>${escaped(campaign.title)}</title>`,
    `<updated>${newest ?? campaign.createdAt}</updated>`,
    author,
    `<link rel="alternate" type="text/html" href="${escaped(page)}"/>`,
    `<link rel="self" type="application/atom+xml" href="${escaped(page)}.atom"/>`,
    ...updates.map((update) =>
      [
        '<entry>',
        `<id>${escaped(page)}#update-${update.number}</id>`,
        `<title>${escaped(update.title)}</title>`,
        `<published>${update.publishedAt}</published>`,
        `<updated>${update.writtenAt}</updated>`,
        `<link rel="alternate" type="text/html" href="${escaped(page)}#update-${update.number}"/>`,
        `<content type="text">${escaped(update.paragraphs.join('\n\n'))}</content>`,
        '</entry>',
      ].join('\n'),
    ),
    '</feed>',
    '',
  ].join('\n');
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
/** XML text; control characters that XML 1.0 cannot hold are left out. */
const escaped = (text: string): string =>
  text.replaceAll(/[^\P{Cc}\n\t]/gu, '').replaceAll(/[&<>"]/g, (sign) => ENTITIES[sign] ?? sign);
