import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runVectors } from './index.js';

const FOLDER = new URL('../../../../../shared/data/vectors/', import.meta.url);

describe.skipIf(!existsSync(FOLDER))('published vectors (skipped where the shared data folder is missing)', () => {
  it.each([
    ['merkle-rfc6962.json', 263],
    ['signed-note-checkpoint.json', 37],
    ['tlog-tiles-log.json', 63],
    ['jcs-rfc8785.json', 6],
    ['dsse.json', 2],
    ['http-sig-digest.json', 2],
  ])('%s: all of its %i cases pass', async (name, count) => {
    const results = await runVectors(JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')));
    expect(results?.filter(({ ok }) => !ok).map(({ id }) => id)).toEqual([]);
    expect(results).toHaveLength(count);
  });
});

describe('runVectors', () => {
  it('says nothing about a form it does not know', async () => {
    expect(await runVectors({ hello: 'world' })).toBeUndefined();
  });
});
