import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { messages } from '#protocol';
import { energySource } from './energy.meter.js';

const device = {
  index: 0,
  vendor: 'cpu' as const,
  model: 'CPU',
  class: 'cpu',
  uuid: null,
  memoryMiB: 1,
  powerLimitW: null,
};
const host = { os: 'Linux', arch: 'x64', cpuModel: 'CPU', cpuCores: 8, memoryMiB: 1, torch: null };
const cpu: messages.Inventory = {
  source: 'cpu',
  class: 'cpu',
  count: 1,
  driverVersion: null,
  cudaVersion: null,
  devices: [device],
  host,
};

it('counts the packages, not their parts, through a wrap, and takes the share of cores lent', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cw-rapl-'));
  const set = (domain: string, microJoule: number): void => {
    mkdirSync(join(folder, domain), { recursive: true });
    writeFileSync(join(folder, domain, 'energy_uj'), String(microJoule));
    writeFileSync(join(folder, domain, 'max_energy_range_uj'), '1000000');
  };
  set('intel-rapl:0', 900_000);
  set('intel-rapl:1', 0);
  set('intel-rapl:0:0', 0);
  const source = energySource(cpu, 2, folder);
  set('intel-rapl:0', 100_000); // wrapped: 200,000 µJ
  set('intel-rapl:1', 160_000);
  set('intel-rapl:0:0', 500_000);
  expect([source.method, source.since(1_000)]).toEqual(['rapl', 25]); // 360,000 µJ × 2/8 ÷ 3,600
  rmSync(folder, { recursive: true });
});

it('states an estimate where nothing can be read', () => {
  const source = energySource(cpu, 2, '/nowhere');
  expect([source.method, Math.round(source.since(3_600_000))]).toEqual(['estimate:cpu-tdp-share', 20_000_000]); // 20 Wh
  const gpu = { ...cpu, class: 'h200', devices: [{ ...device, class: 'h200', powerLimitW: 700 }] };
  const gpuSource = energySource(gpu, 2, '/nowhere');
  expect([gpuSource.method, Math.round(gpuSource.since(36_000))]).toEqual(['estimate:gpu-power-limit', 7_000_000]);
});
