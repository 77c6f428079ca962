import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { DEFAULTS, InputError, parseConfig, readLaunch, type Launch, type TrainingConfig } from './config.js';
import { fillBatch, loadCorpus, shardOf, tokenize } from './data.js';
import { OutDir, type TrainingEvent } from './events.js';
import { train } from './trainer.js';

const root = mkdtempSync(join(tmpdir(), 'tiny-lm-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const small: TrainingConfig = {
  ...DEFAULTS,
  dModel: 16,
  context: 16,
  vocab: 128,
  batchSize: 7,
  steps: 12,
  warmupSteps: 3,
  checkpointEverySteps: 5,
};
const silent = { onLost: () => {}, onJoined: () => {}, say: () => {} };
const corpus = loadCorpus(undefined, small.vocab);

interface Ran {
  outcome: 'done' | 'drained';
  path: string;
  events: TrainingEvent[];
}

/** One gang in this process: a trainer per rank, joined over loopback. Returns what rank 0 wrote. */
async function run(
  worldSize: number,
  config = small,
  more: Partial<Launch> = {},
  prepare?: (out: OutDir) => void,
): Promise<Ran> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const folder = mkdtempSync(join(root, 'run-'));
  const ranks = Array.from({ length: worldSize }, async (_, rank) => {
    const out = new OutDir(join(folder, String(rank)));
    if (rank === worldSize - 1) prepare?.(out);
    const env = { RANK: String(rank), WORLD_SIZE: String(worldSize), MASTER_PORT: String(port), CW_OUT_DIR: out.path };
    const outcome = await train(config, { ...readLaunch(env), ...more }, corpus, out, silent);
    return { outcome, path: out.path, events: eventsOf(out.path) };
  });
  return (await Promise.all(ranks))[0]!;
}

function eventsOf(path: string): TrainingEvent[] {
  const lines = readFileSync(join(path, 'events.jsonl'), 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as TrainingEvent);
}

const losses = (ran: Ran): number[] => ran.events.flatMap((event) => (event.type === 'step' ? [event.loss] : []));

function filesOf(path: string, step: string): Buffer[] {
  const folder = join(path, 'checkpoints', step);
  return ['model.safetensors', 'optimizer.safetensors'].map((name) => readFileSync(join(folder, name)));
}

describe('training', () => {
  it('learns: the loss falls from a flat guess to below what letter counts alone can give', async () => {
    const ran = losses(await run(1, { ...small, dModel: 32, batchSize: 16, steps: 150, warmupSteps: 10 }));
    expect(ran[0]).toBeGreaterThan(4.5);
    const last = ran.slice(-10).reduce((sum, loss) => sum + loss, 0) / 10;
    expect(last).toBeLessThan(2.8);
  });

  it('follows one loss curve whatever the number of ranks', async () => {
    const [one, two, three] = [await run(1), await run(2), await run(3)];
    expect(losses(one)).toHaveLength(12);
    for (const other of [two, three]) {
      losses(other).forEach((loss, i) => expect(loss).toBeCloseTo(losses(one)[i]!, 4));
    }
  });

  it('writes the events of the contract, with the same FLOP for any number of ranks', async () => {
    const { events, path } = await run(2);
    expect(events[0]).toMatchObject({ type: 'start', rank: 0, worldSize: 2, step: 0, steps: 12, tokensPerStep: 112 });
    const kinds = events.map((event) => (event.type === 'checkpoint' ? `checkpoint ${event.dir}` : event.type));
    expect(kinds.filter((kind) => kind !== 'step')).toEqual([
      'start',
      'checkpoint checkpoints/step-000005',
      'checkpoint checkpoints/step-000010',
      'checkpoint checkpoints/step-000012',
      'done',
    ]);
    const perToken = 6 * (128 * 16 + 12 * 16 * 16) + 6 * 16 * 17;
    expect(events.at(-1)).toMatchObject({ step: 12, tokens: 12 * 112, hardwareFlop: String(12 * 112 * perToken) });
    expect(readdirSync(join(path, 'checkpoints')).sort()).toEqual(['step-000005', 'step-000010', 'step-000012']);
  });

  it('resumed from a checkpoint equals never having stopped, bit for bit', async () => {
    const whole = await run(2);
    const resumed = await run(2, small, { restoreDir: join(whole.path, 'checkpoints/step-000005') });
    expect(resumed.events[0]).toMatchObject({ type: 'start', step: 5 });
    expect(losses(resumed)).toEqual(losses(whole).slice(5));
    expect(resumed.events.at(-1)).toEqual(whole.events.at(-1));
    const pairs = filesOf(whole.path, 'step-000012').map(
      (file, i) => [file, filesOf(resumed.path, 'step-000012')[i]!] as const,
    );
    for (const [a, b] of pairs) expect(a.equals(b)).toBe(true);
  });

  it('drains after the step when any rank is asked to, and goes on from there', async () => {
    const drained = await run(2, small, {}, (out) => writeFileSync(join(out.path, 'drain'), ''));
    expect(drained.outcome).toBe('drained');
    expect(drained.events.map((event) => event.type)).toEqual(['start', 'step', 'checkpoint', 'drained']);
    const rest = await run(2, small, { restoreDir: join(drained.path, 'checkpoints/step-000001') });
    expect(losses(rest)).toEqual(losses(await run(2)).slice(1));
  });

  it('is done at once when restored at its last step', async () => {
    const whole = await run(1);
    const again = await run(1, small, { restoreDir: join(whole.path, 'checkpoints/step-000012') });
    expect(again.events.map((event) => event.type)).toEqual(['start', 'done']);
  });

  it('refuses a checkpoint that does not fit', async () => {
    const whole = await run(1);
    const restoreDir = join(whole.path, 'checkpoints/step-000012');
    await expect(run(1, { ...small, layers: 2 }, { restoreDir })).rejects.toThrow('blocks.1.norm1 is missing');
    await expect(run(1, { ...small, dModel: 32 }, { restoreDir })).rejects.toThrow('the model needs [128,32]');
    await expect(run(1, small, { restoreDir: join(root, 'nowhere') })).rejects.toThrow(InputError);
    const other = { ...corpus, sha256: '0'.repeat(64) };
    const out = new OutDir(mkdtempSync(join(root, 'run-')));
    const launch = { ...readLaunch({ CW_OUT_DIR: out.path }), restoreDir };
    await expect(train(small, launch, other, out, silent)).rejects.toThrow('another text');
    writeFileSync(join(restoreDir, 'model.safetensors'), filesOf(whole.path, 'step-000012')[0]!.subarray(0, 900));
    await expect(run(1, small, { restoreDir })).rejects.toThrow(
      /cannot restore from .*model|header claims|header describes|outside/,
    );
  });
});

describe('the data', () => {
  it('gives each sequence of the global batch to exactly one rank, and the same one in any shard', () => {
    for (const [batchSize, worldSize] of [
      [7, 3],
      [24, 5],
      [3, 3],
    ] as const) {
      const shards = Array.from({ length: worldSize }, (_, rank) => shardOf(batchSize, rank, worldSize));
      expect(shards.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, i) => from + i))).toEqual(
        Array.from({ length: batchSize }, (_, i) => i),
      );
    }
    const [whole, part, targets] = [new Uint8Array(64), new Uint8Array(16), new Uint8Array(64)];
    fillBatch(whole, targets, corpus.tokens, { seed: 1, step: 9, from: 0, to: 4, context: 16 });
    fillBatch(part, new Uint8Array(16), corpus.tokens, { seed: 1, step: 9, from: 2, to: 3, context: 16 });
    expect(part).toEqual(whole.slice(32, 48));
    expect(targets.slice(0, 15)).toEqual(whole.slice(1, 16));
  });

  it('folds bytes outside the vocabulary into its last token', () => {
    expect([...tokenize(Uint8Array.of(65, 226, 127), 128)]).toEqual([65, 127, 127]);
    expect([...tokenize(Uint8Array.of(65, 226, 127), 256)]).toEqual([65, 226, 127]);
  });
});

describe('the configuration', () => {
  it('has the defaults that workload.json promises', () => {
    const manifest = JSON.parse(readFileSync(new URL('../workload.json', import.meta.url), 'utf8')) as {
      defaults: object;
    };
    expect(manifest.defaults).toEqual(DEFAULTS);
    expect(parseConfig('{"somethingElse":1}', 3)).toEqual(DEFAULTS);
  });

  it.each([
    ['[1]', 'not a JSON object'],
    ['{', 'not JSON'],
    ['{"steps":0}', 'CW_CONFIG.steps must be a whole number from 1'],
    ['{"steps":"10"}', 'CW_CONFIG.steps'],
    ['{"learningRate":-1}', 'CW_CONFIG.learningRate must be a number'],
    ['{"heads":5}', 'multiple of CW_CONFIG.heads'],
    ['{"batchSize":2}', 'too small to share among 3'],
  ])('refuses %s', (text, message) => {
    expect(() => parseConfig(text, 3)).toThrow(message);
  });

  it.each([
    [{ WORLD_SIZE: '2', RANK: '2', MASTER_PORT: '1', CW_OUT_DIR: 'x' }, 'RANK 2 is outside WORLD_SIZE 2'],
    [{ WORLD_SIZE: 'two', CW_OUT_DIR: 'x' }, 'WORLD_SIZE must be a whole number'],
    [{ WORLD_SIZE: '2', RANK: '0', CW_OUT_DIR: 'x' }, 'MASTER_PORT'],
    [{}, 'CW_OUT_DIR'],
  ])('refuses the launch %j', (env, message) => {
    expect(() => readLaunch(env)).toThrow(message);
  });
});
