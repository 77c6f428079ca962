import { z } from 'zod';
import type { Outcome } from '#kernel';
import type { messages } from '#protocol';
import { acceleratorClass } from './accelerator-class.js';
import type { ParsedDevices } from './nvidia-csv.parser.js';
import { unreadable } from './unreadable.js';

const Listing = z.record(z.string(), z.record(z.string(), z.coerce.string()));

export const isJson = (text: string): boolean => /^\uFEFF?\s*[{[]/.test(text);

/**
 * Reads `rocm-smi --showproductname --showmeminfo vram --showuniqueid --showmaxpower --json`: an object with one member
 * `card<N>` per device. Releases differ in the case of the keys, so they are compared in lower case.
 */
export function parseRocm(text: string): Outcome<ParsedDevices> {
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    return unreadable(`it starts like JSON, but is not: ${(error as Error).message}`);
  }
  const listing = Listing.safeParse(json);
  if (!listing.success) return unreadable('the JSON is not an object of cards, each an object of texts');
  const devices: messages.Device[] = [];
  let driverVersion: string | null = null;
  for (const [card, raw] of Object.entries(listing.data)) {
    const fields = new Map(Object.entries(raw).map(([key, value]) => [key.toLowerCase(), value.trim()]));
    driverVersion ??= fields.get('driver version') ?? null;
    const index = /^card(\d+)$/.exec(card)?.[1];
    if (index === undefined) continue;
    const model = fields.get('card series') ?? fields.get('card model') ?? fields.get('device name');
    if (!model) return unreadable(`${card} has no "Card Series" or "Card Model": add --showproductname`);
    const bytes = fields.get('vram total memory (b)');
    if (!bytes || !/^\d{1,15}$/.test(bytes))
      return unreadable(`${card} has no "VRAM Total Memory (B)": add --showmeminfo vram`);
    const power = fields.get('max graphics package power (w)');
    devices.push({
      index: Number(index),
      vendor: 'amd',
      model,
      class: acceleratorClass(model),
      uuid: fields.get('unique id') ?? null,
      memoryMiB: Math.round(Number(bytes) / 1024 ** 2),
      powerLimitW: power !== undefined && Number.isFinite(Number(power)) && power !== '' ? Number(power) : null,
    });
  }
  if (devices.length === 0) return unreadable('the JSON names no card0, card1, ...');
  return { source: 'rocm-smi', driverVersion, cudaVersion: null, devices };
}
