import { isRefused, type Outcome } from '#kernel';
import type { messages } from '#protocol';
import { acceleratorClass } from './accelerator-class.js';
import { unreadable } from './unreadable.js';

export interface ParsedDevices {
  source: messages.Inventory['source'];
  driverVersion: string | null;
  cudaVersion: string | null;
  devices: messages.Device[];
}

/** nvidia-smi prints "not available" in these forms. */
export const known = (text: string | undefined): string | null => {
  const value = text?.trim() ?? '';
  return value === '' ||
    /^\[?(n\/a|not supported|unknown error|requested functionality has been deprecated)\]?$/i.test(value)
    ? null
    : value;
};

/** `19818 MiB` or `8 GiB` as MiB; null for anything else. */
export function memoryMiB(text: string | null): number | null {
  const match = /^(\d+(?:\.\d+)?)\s*(MiB|GiB|)$/.exec(text ?? '');
  return match ? Math.round(Number(match[1]) * (match[2] === 'GiB' ? 1024 : 1)) : null;
}

/** `350.00 W` as 350; null for anything else. */
export function watts(text: string | null): number | null {
  const match = /^(\d+(?:\.\d+)?)\s*W?$/.exec(text ?? '');
  return match ? Number(match[1]) : null;
}

/** True for the header line of `--query-gpu ... --format=csv`: it has the columns name and memory.total. */
export const isQueryHeader = (line: string): boolean =>
  /(^|, ?)name(,|$)/.test(line.trim()) && /(^|, ?)memory\.total \[MiB\]/.test(line);

/**
 * Reads the `--query-gpu=... --format=csv` section of a text: a header with at least `name` and `memory.total [MiB]`,
 * then one row per device. No value of nvidia-smi contains a comma, so a row has exactly as many fields as the header.
 */
export function parseNvidiaCsv(text: string): Outcome<ParsedDevices> {
  const lines = text.split(/\r?\n/);
  const at = lines.findIndex(isQueryHeader);
  if (at < 0) return unreadable('there is no header line with the columns name and memory.total [MiB]');
  const columns = (lines[at] ?? '').split(',').map((column) => column.trim().replace(/ \[[^\]]*\]$/, ''));
  const devices: messages.Device[] = [];
  let driverVersion: string | null = null;
  for (const line of lines.slice(at + 1)) {
    if (line.trim() === '' || line.startsWith('#')) break;
    const fields = line.split(',').map((field) => field.trim());
    if (fields.length !== columns.length) {
      return unreadable(
        `row ${devices.length + 1} has ${fields.length} fields where the header names ${columns.length}: it looks cut off`,
      );
    }
    const field = (name: string): string | null => known(fields[columns.indexOf(name)]);
    const stated = field('count');
    const device = deviceOf(field, devices.length);
    if (isRefused(device)) return device;
    devices.push(device);
    driverVersion ??= field('driver_version');
    if (stated !== null && !/^\d+$/.test(stated)) return unreadable(`column count holds "${stated}", not a number`);
  }
  if (devices.length === 0) return unreadable('the header is there, but no device follows it');
  const countColumn = columns.indexOf('count');
  const firstRow = (lines[at + 1] ?? '').split(',');
  if (countColumn >= 0 && Number(firstRow[countColumn]) !== devices.length) {
    return unreadable(`column count says ${firstRow[countColumn]?.trim()} devices, but ${devices.length} rows follow`);
  }
  return { source: 'nvidia-smi-csv', driverVersion, cudaVersion: null, devices };
}

function deviceOf(field: (name: string) => string | null, position: number): Outcome<messages.Device> {
  const model = field('name');
  if (model === null) return unreadable(`device ${position} has no name`);
  const memory = memoryMiB(field('memory.total'));
  if (memory === null) return unreadable(`device ${position} (${model}) has no readable memory.total`);
  const index = field('index');
  return {
    index: index !== null && /^\d+$/.test(index) ? Number(index) : position,
    vendor: 'nvidia',
    model,
    class: acceleratorClass(model),
    uuid: field('uuid'),
    memoryMiB: memory,
    powerLimitW: watts(field('enforced.power.limit') ?? field('power.limit')),
  };
}
