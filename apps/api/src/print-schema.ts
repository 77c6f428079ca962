import 'reflect-metadata';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { printApiSchema } from './schema.js';

// Writes schema.graphql of the working directory; with `--check` fails when it is not what the code says.
const file = join(process.cwd(), 'schema.graphql');
const printed = await printApiSchema();
if (!process.argv.includes('--check')) writeFileSync(file, printed);
else if (!existsSync(file) || readFileSync(file, 'utf8') !== printed) {
  process.stderr.write('schema.graphql is not what the code says. Run "npm run schema" and review the difference.\n');
  process.exit(1);
}
