import { expect, it } from 'vitest';
import { createTestDatabase } from '../../libs/testkit/src/index.js';
import { run } from '../bench/heartbeat.bench.js';

it('the heartbeat benchmark runs, verifies what was written and names both sides', async () => {
  const db = await createTestDatabase();
  const lines: string[] = [];
  try {
    const seconds = Number(process.env['HEARTBEAT_BENCH_SECONDS'] ?? 1.5);
    const results = await run({ databaseUrl: db.url, seconds, log: (line) => lines.push(line) });
    if (process.env['HEARTBEAT_BENCH_SECONDS'])
      console.log([...lines, ...results.map((r) => `${r.name}: ${r.ratio.toFixed(3)}`)].join('\n'));
    expect(results.every((result) => result.ours > 0 && result.peer > 0 && Number.isFinite(result.ratio))).toBe(true);
    expect(lines.some((line) => line.includes('holds'))).toBe(true);
  } finally {
    await db.close();
  }
});
