import { execFile } from 'node:child_process';
import { arch, cpus, release, totalmem, type as osType } from 'node:os';
import { isRefused, refuse, type Outcome } from '#kernel';
import { messages } from '#protocol';
import { isQueryHeader, parseNvidiaCsv, type ParsedDevices } from './nvidia-csv.parser.js';
import { isTable, parseNvidiaTable } from './nvidia-table.parser.js';
import { isXml, parseNvidiaXml } from './nvidia-xml.parser.js';
import { isJson, parseRocm } from './rocm.parser.js';
import { unreadable } from './unreadable.js';

type Host = NonNullable<messages.Inventory['host']>;
const MAX_LISTING_CHARS = 8 * 1024 * 1024;

/** Reads any listing we know, found by its content. Pure. The CSV section wins over the table: it has full names. */
export function parseInventory(text: string, host: Host | null): Outcome<messages.Inventory> {
  if (text.trim() === '') return unreadable('it is empty');
  if (text.length > MAX_LISTING_CHARS) return unreadable(`it has ${text.length} characters, more than any listing`);
  const parsed = parseDevices(text);
  return isRefused(parsed) ? parsed : inventoryOf(parsed, host);
}

function parseDevices(text: string): Outcome<ParsedDevices> {
  if (isXml(text)) return parseNvidiaXml(text);
  if (isJson(text)) return parseRocm(text);
  if (text.split(/\r?\n/).some(isQueryHeader)) {
    const csv = parseNvidiaCsv(text);
    if (isRefused(csv) || !isTable(text)) return csv;
    const table = parseNvidiaTable(text);
    if (isRefused(table)) return table;
    return { ...csv, cudaVersion: table.cudaVersion, driverVersion: csv.driverVersion ?? table.driverVersion };
  }
  if (isTable(text)) return parseNvidiaTable(text);
  if (/no devices were found/i.test(text)) return unreadable('nvidia-smi found no device');
  return unreadable(`it starts with "${text.trim().slice(0, 60).split('\n')[0]}", which is none of the forms we know`);
}

/** The class lent is that of most devices; the first listed wins a tie. */
function inventoryOf(parsed: ParsedDevices, host: Host | null): Outcome<messages.Inventory> {
  const counts = new Map<string, number>();
  for (const device of parsed.devices) counts.set(device.class, (counts.get(device.class) ?? 0) + 1);
  const [best = ['unknown', 0] as const] = [...counts].sort((a, b) => b[1] - a[1]);
  const inventory = messages.Inventory.safeParse({ ...parsed, class: best[0], count: best[1], host });
  if (inventory.success) return inventory.data;
  const issue = inventory.error.issues[0];
  return unreadable(`${issue?.path.join('.')}: ${issue?.message}`);
}

/** Inventory of a donor without a GPU: one unit of class `cpu`, however many cores it lends. */
function cpuInventory(host: Host, lentCores: number): messages.Inventory {
  const model = `${host.cpuModel} (${lentCores} of ${host.cpuCores} cores)`;
  const device = {
    index: 0,
    vendor: 'cpu' as const,
    model,
    class: 'cpu',
    uuid: null,
    memoryMiB: host.memoryMiB,
    powerLimitW: null,
  };
  return { source: 'cpu', class: 'cpu', count: 1, driverVersion: null, cudaVersion: null, devices: [device], host };
}

const run = (command: string, args: string[], timeoutMs: number): Promise<string | null> =>
  new Promise((resolve) => {
    execFile(
      command,
      args,
      { timeout: timeoutMs, maxBuffer: MAX_LISTING_CHARS, windowsHide: true },
      (error, stdout) => {
        resolve(error ? null : stdout);
      },
    );
  });

const TORCH_PROBE = `
import importlib.util, os, re
spec = importlib.util.find_spec('torch')
path = os.path.join(os.path.dirname(spec.origin), 'version.py') if spec and spec.origin else None
print(re.search(r"__version__ *= *['\\"]([^'\\"]+)", open(path).read()).group(1) if path else '')
`;

/** What the machine says of itself. PyTorch is found without importing it, which would take seconds. */
async function readHost(python: string): Promise<Host> {
  const torch = (await run(python, ['-c', TORCH_PROBE], 10_000))?.trim();
  return {
    os: `${osType()} ${release()}`.slice(0, 100),
    arch: arch(),
    cpuModel: (cpus()[0]?.model.trim() || 'unknown CPU').slice(0, 200),
    cpuCores: Math.max(1, cpus().length),
    memoryMiB: Math.max(1, Math.round(totalmem() / 1024 ** 2)),
    torch: torch ? torch.slice(0, 60) : null,
  };
}

export interface DetectOptions {
  python: string;
  /** Cores lent when the node is a CPU donor; all when undefined. */
  cpus?: number | undefined;
  /** Lend the CPU even where a GPU is found. */
  cpuOnly?: boolean | undefined;
}

/** Looks for an NVIDIA device, then an AMD one, else lends the CPU. */
export async function detectInventory(options: DetectOptions): Promise<Outcome<messages.Inventory>> {
  const host = await readHost(options.python);
  if (
    options.cpus !== undefined &&
    (!Number.isInteger(options.cpus) || options.cpus < 1 || options.cpus > host.cpuCores)
  ) {
    return refuse({
      code: 'AGENT_CPUS_INVALID',
      message: `This machine cannot lend ${options.cpus} cores.`,
      hint: `Give --cpus a whole number from 1 to ${host.cpuCores}.`,
    });
  }
  if (options.cpuOnly !== true && options.cpus === undefined) {
    const xml = await run('nvidia-smi', ['-q', '-x'], 20_000);
    if (xml !== null) return parseInventory(xml, host);
    const rocm = await run(
      'rocm-smi',
      ['--showproductname', '--showmeminfo', 'vram', '--showuniqueid', '--showmaxpower', '--json'],
      20_000,
    );
    if (rocm !== null) return parseInventory(rocm, host);
  }
  return cpuInventory(host, options.cpus ?? host.cpuCores);
}
