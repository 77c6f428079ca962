import { XMLParser } from 'fast-xml-parser';
import { describe, expect, it } from 'vitest';
import { atom } from './updates-feed.controller.js';

const PAGE = 'https://example.org/campaigns/whale/updates';
const update = (number: number, title: string, paragraphs: string[], writtenAt: string) => ({
  id: `u${number}`,
  number,
  title,
  paragraphs,
  publishedAt: '2026-03-01T12:00:00.000Z',
  writtenAt,
});
const read = (text: string) =>
  (new XMLParser({ ignoreAttributes: false }).parse(text) as { feed: Record<string, unknown> }).feed;

describe('the feed of updates', () => {
  it('says every update once, as text, with the moment of its last correction', () => {
    const text = atom(
      {
        id: 'c',
        title: 'Whales & <men>',
        createdAt: '2026-01-01T00:00:00.000Z',
        project: { name: 'Pequod "Collective"' },
        updates: {
          nodes: [
            update(2, 'Chapter <two>', ['One & two.', '</content><script>'], '2026-03-05T12:00:00.000Z'),
            update(1, 'Chapter one\u0001', ['Words.'], '2026-03-09T12:00:00.000Z'),
          ],
        },
      },
      PAGE,
    );
    expect(text).not.toContain('<script>');
    const feed = read(text);
    expect(feed).toMatchObject({ id: PAGE, title: 'Whales & <men>' });
    expect(feed['updated']).toBe('2026-03-09T12:00:00.000Z');
    expect(feed['entry']).toMatchObject([
      { id: `${PAGE}#update-2`, title: 'Chapter <two>', updated: '2026-03-05T12:00:00.000Z' },
      { id: `${PAGE}#update-1`, title: 'Chapter one' },
    ]);
  });

  it('is a feed without entries before anything was told', () => {
    const campaign = {
      id: 'c',
      title: 'Whales',
      createdAt: '2026-01-01T00:00:00.000Z',
      project: null,
      updates: { nodes: [] },
    };
    expect(read(atom(campaign, PAGE))).toMatchObject({
      updated: '2026-01-01T00:00:00.000Z',
      author: { name: 'Whales' },
    });
  });
});
