/** Every question that the dashboard asks is a valid one of the schema that is checked in. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { buildSchema, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const API = join(ROOT, 'apps/dashboard/src/api');
const schema = buildSchema(readFileSync(join(ROOT, 'schema.graphql'), 'utf8'));
const files = readdirSync(API).filter((file) => file.endsWith('documents.ts'));
const documents = await Promise.all(
  files.map(async (file) => Object.entries((await import(join(API, file))) as Record<string, string>)),
);

describe('documents of the dashboard', () => {
  it.each(documents.flat())('%s', (_name, text) => {
    expect(validate(schema, parse(text)).map((error) => error.message)).toEqual([]);
  });
});
