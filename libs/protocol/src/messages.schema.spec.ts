import { describe, expect, it } from 'vitest';
import { Inventory, RelativePath } from './messages.schema.js';

describe('messages', () => {
  it.each(['model.safetensors', 'shards/0-of-2.safetensors', '.hidden'])('accepts the checkpoint path %s', (path) => {
    expect(RelativePath.safeParse(path).success).toBe(true);
  });
  it.each(['../secret', 'a/../b', '/etc/passwd', 'a//b', './a', '', 'a\\b', 'a/'])(
    'refuses the checkpoint path "%s"',
    (path) => {
      expect(RelativePath.safeParse(path).success).toBe(false);
    },
  );

  it('refuses an inventory whose count its devices do not bear out', () => {
    const device = {
      index: 0,
      vendor: 'nvidia',
      model: 'H200',
      class: 'h200',
      uuid: null,
      memoryMiB: 143_771,
      powerLimitW: 700,
    };
    const inventory = {
      source: 'nvidia-smi-csv',
      class: 'h200',
      count: 1,
      driverVersion: null,
      cudaVersion: null,
      devices: [device],
      host: null,
    };
    expect(Inventory.safeParse(inventory).success).toBe(true);
    expect(Inventory.safeParse({ ...inventory, count: 8 }).success).toBe(false);
    expect(Inventory.safeParse({ ...inventory, class: 'b200' }).success).toBe(false);
  });
});
