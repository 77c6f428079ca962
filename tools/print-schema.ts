import 'reflect-metadata';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { printApiSchema } from '../apps/api/src/schema.js';

// `--check` fails when schema.graphql is not what the code says; without it the file is written.
const file = join(import.meta.dirname, '..', '..', 'schema.graphql');
const printed = await printApiSchema();
if (process.argv.includes('--check')) {
  if (readFileSync(file, 'utf8') !== printed) {
    process.stderr.write('schema.graphql is not what the code says. Run "npm run schema" and review the difference.\n');
    process.exit(1);
  }
} else {
  writeFileSync(file, printed);
}
