import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { EventTail, type WorkloadEvent } from './event.tail.js';

const folder = mkdtempSync(join(tmpdir(), 'cw-tail-'));
afterAll(() => rmSync(folder, { recursive: true }));

const tailOf = (name: string) => {
  const path = join(folder, name);
  const events: WorkloadEvent[] = [];
  const stray: string[] = [];
  const tail = new EventTail(
    path,
    (event) => events.push(event),
    (line) => stray.push(line),
  );
  return { tail, events, stray, write: (text: string) => appendFileSync(path, text) };
};
const step = (n: number) => `${JSON.stringify({ type: 'step', step: n, loss: 1, tokens: n, stepMs: 1 })}\n`;

it('takes whole lines only, each once, also when polls overlap', async () => {
  const { tail, events, write } = tailOf('a');
  expect(await tail.poll()).toBe(false);
  write(step(1) + step(2).slice(0, 10));
  await Promise.all([tail.poll(), tail.poll()]);
  expect(events).toHaveLength(1);
  write(step(2).slice(10));
  await tail.poll();
  expect(events.map((event) => 'step' in event && event.step)).toEqual([1, 2]);
});

it('passes over what is no event, and says so', async () => {
  const { tail, events, stray, write } = tailOf('b');
  write(
    `not json\n{"type":"step","step":-1}\n{"type":"step","step":1,"loss":null,"tokens":1,"stepMs":1}\n${'x'.repeat(70_000)}`,
  );
  await tail.poll();
  write(`\n${step(3)}`);
  await tail.poll();
  expect(events).toHaveLength(1);
  expect(stray).toEqual([
    'not json',
    '{"type":"step","step":-1}',
    expect.stringContaining('"loss":null'),
    expect.stringContaining('a line of more than'),
  ]);
});

it('reads a flood in chunks and to its end', async () => {
  const { tail, events, write } = tailOf('c');
  write(Array.from({ length: 20_000 }, (_, n) => step(n)).join(''));
  let polls = 0;
  while (await tail.poll()) polls += 1;
  expect([events.length, polls > 1]).toEqual([20_000, true]);
});
