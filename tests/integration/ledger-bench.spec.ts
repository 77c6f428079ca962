import { expect, it } from 'vitest';
import { createTestDatabase } from '../../libs/testkit/src/index.js';
import { run } from '../bench/ledger.bench.js';

it('the ledger benchmark runs, verifies the books and names both sides', async () => {
  const db = await createTestDatabase();
  const lines: string[] = [];
  try {
    const results = await run({
      databaseUrl: db.url,
      seconds: Number(process.env['LEDGER_BENCH_SECONDS'] ?? 0.5),
      log: (l) => lines.push(l),
    });
    if (process.env['LEDGER_BENCH_SECONDS'])
      console.log([...lines, ...results.map((r) => `${r.name}: ${r.ratio.toFixed(2)}`)].join('\n'));
    expect(results.every((r) => r.ours > 0 && r.peer > 0 && Number.isFinite(r.ratio))).toBe(true);
    expect(lines.filter((l) => l.includes('holds')).length).toBeGreaterThanOrEqual(5);
  } finally {
    await db.close();
  }
});
