import { describe, expect, it } from 'vitest';
import { mainSettings, readSettings, sizeOf, workloads } from './workload.js';

const [tiny] = workloads;

describe('workloads', () => {
  it('come to the parameters and tokens that the workload itself counts', () => {
    expect(sizeOf(tiny?.defaults ?? {})).toEqual({ parameters: 69_824n, tokens: 460_800n });
    expect(sizeOf({ ...tiny?.defaults, layers: 'two' })).toBeNull();
  });

  it('declare every setting that the form shows first', () => {
    for (const { defaults } of workloads) for (const name of mainSettings) expect(defaults).toHaveProperty(name);
  });

  it('keep the type of each setting, take the default where nothing was asked, and name what is no number', () => {
    if (!tiny) throw new Error('there is no workload');
    const typed: Record<string, string> = { steps: '600', learningRate: '3e-4', seed: 'seven', dataset: '42' };
    const { settings, wrong } = readSettings(tiny, (name) => typed[name] ?? null);
    expect(settings).toMatchObject({ steps: 600, learningRate: 0.0003, dataset: '42', layers: 1 });
    expect(wrong).toEqual(['seed']);
  });
});
