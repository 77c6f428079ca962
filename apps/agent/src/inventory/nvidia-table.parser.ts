import type { Outcome } from '#kernel';
import type { messages } from '#protocol';
import { acceleratorClass } from './accelerator-class.js';
import type { ParsedDevices } from './nvidia-csv.parser.js';
import { unreadable } from './unreadable.js';

const BANNER = /\|\s+NVIDIA-SMI\s+(\S+)\s+(?:Driver Version:\s+(\S+)\s+)?(?:CUDA Version:\s+(\S+)\s*)?\|/;
/** First line of a device: index, name, persistence mode or driver model | bus id, display. */
const NAMED =
  /^\|\s*(\d+)\s+(\S.*?)\s+(?:On|Off|WDDM|TCC|MCDM|N\/A)\s*\|\s*[0-9A-Fa-f]{4,8}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.\d/;
const MEMORY = /\|\s*(\d+)MiB\s*\/\s*(\d+)MiB\s*\|/;
const POWER = /\/\s*(\d+)W\s*\|/;
/** A line of `nvidia-smi -L`: the table shortens long names, this does not. */
const LISTED = /^GPU (\d+): (.+?) \(UUID: ([^)]+)\)\s*$/;

export const isTable = (text: string): boolean => BANNER.test(text);

/**
 * Reads the table that plain `nvidia-smi` prints. Each device takes two lines: name and bus, then memory and power.
 * Names longer than the column are cut with an ellipsis there; when the text also holds `nvidia-smi -L`, its full names
 * are taken.
 */
export function parseNvidiaTable(text: string): Outcome<ParsedDevices> {
  const banner = BANNER.exec(text);
  if (!banner) return unreadable('there is no line with "NVIDIA-SMI <version>"');
  const lines = text.split(/\r?\n/);
  const listed = new Map(
    lines.flatMap((line) => {
      const match = LISTED.exec(line);
      return match ? [[Number(match[1]), { model: match[2] ?? '', uuid: match[3] ?? '' }] as const] : [];
    }),
  );
  const devices: messages.Device[] = [];
  for (const [at, line] of lines.entries()) {
    const named = NAMED.exec(line);
    if (!named) continue;
    const index = Number(named[1]);
    const second = lines[at + 1] ?? '';
    const memory = MEMORY.exec(second);
    if (!memory)
      return unreadable(
        `GPU ${index} has no "used / total" memory on the line after its name: the table looks cut off`,
      );
    const model = listed.get(index)?.model ?? (named[2] ?? '').replace(/\s*\.\.\.$/, '');
    const power = POWER.exec(second);
    devices.push({
      index,
      vendor: 'nvidia',
      model,
      class: acceleratorClass(model),
      uuid: listed.get(index)?.uuid ?? null,
      memoryMiB: Number(memory[2]),
      powerLimitW: power ? Number(power[1]) : null,
    });
  }
  if (devices.length === 0) return unreadable('the banner is there, but no device line follows it');
  if (listed.size > devices.length) {
    return unreadable(`nvidia-smi -L lists ${listed.size} devices, but the table shows ${devices.length}`);
  }
  return { source: 'nvidia-smi-table', driverVersion: banner[2] ?? null, cudaVersion: banner[3] ?? null, devices };
}
