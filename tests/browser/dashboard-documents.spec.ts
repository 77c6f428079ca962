/** Every question that the dashboard asks is a valid one of the schema that is checked in. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSchema, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import * as documents from '../../apps/dashboard/src/api/documents.js';
import * as organise from '../../apps/dashboard/src/api/organise.documents.js';

const schema = buildSchema(readFileSync(join(import.meta.dirname, '../../schema.graphql'), 'utf8'));

describe('documents of the dashboard', () => {
  it.each(Object.entries({ ...documents, ...organise }))('%s', (_name, text) => {
    expect(validate(schema, parse(text)).map((error) => error.message)).toEqual([]);
  });
});
