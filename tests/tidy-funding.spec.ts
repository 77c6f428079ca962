import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BEGIN, END, fundingDiagrams } from './funding-diagrams.js';

const FILE = join(import.meta.dirname, '../docs/funding.md');

describe('docs/funding.md', () => {
  // `npx vitest run tests/tidy-funding.spec.ts -u` prints it anew.
  it('draws the machines as the code has them', async () => {
    const [before = '', rest = ''] = readFileSync(FILE, 'utf8').split(BEGIN);
    const [, after = ''] = rest.split(END);
    const diagrams = await fundingDiagrams();
    for (const machine of ['Campaign', 'Cash pledge', 'Payment', 'Refund', 'Dispute', 'Tranche', 'Round'])
      expect(diagrams).toContain(`## ${machine}\n`);
    await expect(`${before}${BEGIN}\n\n${diagrams}\n\n${END}${after}`).toMatchFileSnapshot(FILE);
  });
});
