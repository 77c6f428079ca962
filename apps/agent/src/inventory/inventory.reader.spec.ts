import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRefused } from '#kernel';
import { parseInventory } from './inventory.reader.js';

const folder = [resolve('shared/data/nvidia-smi'), resolve('../shared/data/nvidia-smi')].find(existsSync);
if (!folder) console.warn('SKIPPED: real nvidia-smi captures, because ../shared/data/nvidia-smi is missing');

const capture = (file: string) => readFileSync(join(folder ?? '', file), 'utf8');
const read = (text: string) => {
  const inventory = parseInventory(text, null);
  if (isRefused(inventory)) throw new Error(JSON.stringify(inventory.refusals));
  return inventory;
};
const refusal = (text: string) => {
  const inventory = parseInventory(text, null);
  expect(isRefused(inventory)).toBe(true);
  return isRefused(inventory) ? inventory.first : undefined;
};

const TABLE = `Sat Mar  2 10:00:00 2024
+-----------------------------------------------------------------------------+
| NVIDIA-SMI 470.57.02    Driver Version: 470.57.02    CUDA Version: 11.4     |
|-------------------------------+----------------------+----------------------+
|   0  Tesla V100-SXM2...  On   | 00000000:00:1E.0 Off |                    0 |
| N/A   38C    P0    25W / 300W |      0MiB / 16160MiB |      0%      Default |
|                               |                      |                  N/A |
+-------------------------------+----------------------+----------------------+
|   1  Tesla V100-SXM2...  On   | 00000000:00:1F.0 Off |                    0 |
| N/A   39C    P0    N/A /  N/A |      0MiB / 16160MiB |      0%      Default |
+-------------------------------+----------------------+----------------------+
`;
const CSV = `name, uuid, memory.total [MiB], power.limit [W]
NVIDIA H200, GPU-1, 143771 MiB, 700.00 W
NVIDIA H200, GPU-2, 143771 MiB, [N/A]
`;
const ROCM = JSON.stringify({
  card0: { 'Card Series': 'AMD Instinct MI300X', 'Unique ID': '0x1', 'VRAM Total Memory (B)': '206141652992' },
  system: { 'Driver version': '6.7.0' },
});

describe.skipIf(!folder)('real captures', () => {
  it.each([
    ['h100-80gb-hbm3.txt', 'h100-80gb-hbm3', 81_559, 700, 'nvidia-smi-csv', '590.48.01', '13.1'],
    ['h200.txt', 'h200', 143_771, 700, 'nvidia-smi-csv', '590.48.01', '13.1'],
    ['l40s.txt', 'l40s', 46_068, 350, 'nvidia-smi-csv', '595.80', '13.2'],
    ['rtx-2080-super-windows.txt', 'rtx-2080-super', 8_192, 250, 'nvidia-smi-csv', '591.86', '13.1'],
    ['rtx-4080-super.txt', 'rtx-4080-super', 16_376, 320, 'nvidia-smi-csv', '595.71.05', '13.2'],
  ])('%s', (file, accelerator, memoryMiB, powerLimitW, source, driverVersion, cudaVersion) => {
    const inventory = read(capture(file));
    expect(inventory).toMatchObject({ class: accelerator, count: 1, source, driverVersion, cudaVersion });
    expect(inventory.devices[0]).toMatchObject({ memoryMiB, powerLimitW, vendor: 'nvidia' });
  });

  it.each(['h100-80gb-hbm3.txt', 'h200.txt', 'l40s.txt', 'rtx-2080-super-windows.txt', 'rtx-4080-super.txt'])(
    'the table alone of %s gives the same class and memory as its CSV section',
    (file) => {
      const text = capture(file);
      const table = text.slice(0, text.indexOf('# load :: query-gpu'));
      const [fromTable, fromAll] = [read(table), read(text)];
      expect(fromTable.source).toBe('nvidia-smi-table');
      expect([fromTable.class, fromTable.devices[0]?.memoryMiB]).toEqual([
        fromAll.class,
        fromAll.devices[0]?.memoryMiB,
      ]);
    },
  );

  it('lists the MIG slices of an A100 as what they are', () => {
    const inventory = read(capture('a100-sxm4-v12.xml'));
    expect(inventory).toMatchObject({
      source: 'nvidia-smi-xml',
      class: 'a100-sxm4-80gb.mig-20gb',
      count: 4,
      driverVersion: '535.54.03',
    });
    expect(inventory.devices[0]).toMatchObject({ memoryMiB: 19_968, powerLimitW: 122 });
  });

  it('refuses each capture cut in the middle of its devices', () => {
    const xml = capture('a100-sxm4-v12.xml');
    expect(refusal(xml.slice(0, xml.length / 2))?.code).toBe('AGENT_INVENTORY_UNREADABLE');
    const text = capture('h200.txt');
    const row = text.indexOf('\n', text.indexOf('\ntimestamp, driver_version') + 1);
    const cut = text.slice(0, row + 300);
    expect(refusal(cut)?.code).toBe('AGENT_INVENTORY_UNREADABLE');
  });
});

describe('device listings', () => {
  it('reads the older, narrower table with several devices', () => {
    expect(read(TABLE)).toMatchObject({
      class: 'v100-sxm2',
      count: 2,
      driverVersion: '470.57.02',
      cudaVersion: '11.4',
    });
    expect(read(TABLE).devices.map((device) => device.powerLimitW)).toEqual([300, null]);
  });

  it('reads a short CSV and rocm-smi JSON', () => {
    expect(read(CSV)).toMatchObject({ class: 'h200', count: 2 });
    expect(read(ROCM)).toMatchObject({ class: 'mi300x', count: 1, driverVersion: '6.7.0', source: 'rocm-smi' });
    expect(read(ROCM).devices[0]?.memoryMiB).toBe(196_592);
  });

  it.each([
    ['nothing', '  \n'],
    ['prose', 'bash: nvidia-smi: command not found'],
    ['no devices', 'No devices were found'],
    ['a table without devices', TABLE.split('\n').slice(0, 4).join('\n')],
    ['a table cut after a name', TABLE.split('\n').slice(0, 5).join('\n')],
    ['a CSV header alone', CSV.split('\n').slice(0, 1).join('\n')],
    ['a CSV row cut off', CSV.slice(0, -22)],
    ['memory that is no number', CSV.replace('143771 MiB', 'lots')],
    ['XML of something else', '<?xml version="1.0"?><rss><channel/></rss>'],
    ['XML without memory', '<nvidia_smi_log><gpu><product_name>H200</product_name></gpu></nvidia_smi_log>'],
    ['JSON that is not rocm-smi', '[1, 2]'],
    ['broken JSON', '{"card0": '],
    ['a card without memory', '{"card0": {"Card Series": "MI300X"}}'],
  ])('refuses %s and says what was expected', (_, text) => {
    expect(refusal(text)).toMatchObject({
      code: 'AGENT_INVENTORY_UNREADABLE',
      hint: expect.stringContaining('Expected one of'),
    });
  });

  it('never throws, whatever it is given', () => {
    const pieces = fc.constantFrom(
      TABLE,
      CSV,
      ROCM,
      '<nvidia_smi_log>',
      '</gpu>',
      '\u0000',
      '| NVIDIA-SMI 1 |',
      'name, memory.total [MiB]\n',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(pieces, fc.string()), { maxLength: 6 }), fc.nat(500), (parts, cut) => {
        parseInventory(parts.join('\n').slice(cut), null);
      }),
    );
  });
});
