import { existsSync } from 'node:fs';
import { join } from 'node:path';

/*
 * Test material of other ledgers is read where it lies and never kept here. LEDGER_CONFORMANCE names the folder, else
 * it is `../shared/data/ledgers`; in it `tigerbeetle` and `numscript`, each a checkout:
 *   tigerbeetle/tigerbeetle   52ad553 (Apache-2.0)   src/state_machine_tests.zig
 *   formancehq/numscript      1643d54 (MIT)          internal/interpreter/testdata
 */
const FOLDER = process.env['LEDGER_CONFORMANCE'] ?? join(import.meta.dirname, '../../../shared/data/ledgers');

/** Where a part of the material lies; undefined, and said so, where it is missing. */
export function material(path: string): string | undefined {
  const full = join(FOLDER, path);
  if (existsSync(full)) return full;
  say(`skipped: ${path} is not there; LEDGER_CONFORMANCE names a folder with a checkout of it`);
  return undefined;
}

/** Results of conformance are read by people, so they are printed whatever the reporter shows. */
export const say = (line: string): void => void process.stdout.write(`  conformance ${line}\n`);
