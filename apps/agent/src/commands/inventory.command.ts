import { readFileSync } from 'node:fs';
import { isRefused, refuse, type Outcome } from '#kernel';
import type { messages } from '#protocol';
import type { AgentConfig } from '../agent.config.js';
import { detectInventory, parseInventory } from '../inventory/inventory.reader.js';
import { say, sayRefusals, table } from '../terminal.js';

export interface InventoryFlags {
  from?: string;
  json?: boolean;
  cpus?: number;
}

/** `agent inventory`: JSON on stdout, a table for people on stderr. Returns the exit code. */
export async function inventoryCommand(config: AgentConfig, flags: InventoryFlags): Promise<number> {
  const inventory =
    flags.from === undefined
      ? await detectInventory({ python: config.python, cpus: flags.cpus })
      : readFrom(flags.from);
  if (isRefused(inventory)) {
    sayRefusals(inventory.refusals);
    return 1;
  }
  if (flags.json !== true) say(describe(inventory));
  process.stdout.write(`${JSON.stringify(inventory, null, 2)}\n`);
  return 0;
}

function readFrom(path: string): Outcome<messages.Inventory> {
  try {
    return parseInventory(readFileSync(path === '-' ? 0 : path, 'utf8'), null);
  } catch (error) {
    return refuse({
      code: 'AGENT_FILE_UNREADABLE',
      message: `${path} cannot be read.`,
      detail: (error as Error).message,
      hint: 'Name a file, or - for standard input.',
    });
  }
}

function describe(inventory: messages.Inventory): string {
  const rows = inventory.devices.map((device) => [
    String(device.index),
    device.class,
    `${device.memoryMiB} MiB`,
    device.powerLimitW === null ? '-' : `${device.powerLimitW} W`,
    device.model,
  ]);
  const driver = [
    inventory.driverVersion && `driver ${inventory.driverVersion}`,
    inventory.cudaVersion && `CUDA ${inventory.cudaVersion}`,
  ];
  const head = [
    `${inventory.count} x ${inventory.class}`,
    ...driver.filter(Boolean),
    `read from ${inventory.source}`,
  ].join(', ');
  return `${head}\n${table([['#', 'CLASS', 'MEMORY', 'POWER', 'MODEL'], ...rows])}\n`;
}
