import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { messages } from '#protocol';

/** Assumed power of one busy core, watts: thermal design power of common server and desktop processors over their cores. */
const WATTS_PER_CORE = 10;
const MICRO_JOULE_PER_MICRO_WATT_HOUR = 3_600;

export interface EnergySource {
  method: messages.EnergyMethod;
  /** Energy for the time from the last call to this one, in micro-watt-hours; `busyMs` of it the workload was alive. */
  since(busyMs: number): number;
}

interface RaplDomain {
  path: string;
  rangeMicroJoule: number;
  last: number;
}

/**
 * Reads the packages' energy counters of the powercap interface (micro-joules, wrapping at the stated range) and takes
 * the share of cores lent. Sub-domains (`intel-rapl:0:0`) are parts of their package and would count twice.
 */
class RaplSource implements EnergySource {
  readonly method = 'rapl';

  constructor(
    private readonly domains: RaplDomain[],
    private readonly share: number,
  ) {}

  since(): number {
    let microJoule = 0;
    for (const domain of this.domains) {
      const now = readCounter(domain.path, 'energy_uj') ?? domain.last;
      microJoule += now >= domain.last ? now - domain.last : now + domain.rangeMicroJoule - domain.last;
      domain.last = now;
    }
    return (microJoule * this.share) / MICRO_JOULE_PER_MICRO_WATT_HOUR;
  }
}

class EstimateSource implements EnergySource {
  constructor(
    readonly method: messages.EnergyMethod,
    private readonly watts: number,
  ) {}

  /** W × ms = mJ; 3.6 mJ = 1 micro-watt-hour. */
  since(busyMs: number): number {
    return (this.watts * busyMs) / 3.6;
  }
}

function readCounter(path: string, name: string): number | null {
  try {
    const value = Number(readFileSync(join(path, name), 'utf8'));
    return Number.isFinite(value) ? value : null;
  } catch {
    return null;
  }
}

/** The best source this machine offers, fresh for one lease. `powercap` is a parameter for tests. */
export function energySource(
  inventory: messages.Inventory,
  lentCores: number,
  powercap = '/sys/class/powercap',
): EnergySource {
  if (inventory.class !== 'cpu') {
    const watts = inventory.devices.reduce((sum, device) => sum + (device.powerLimitW ?? 0), 0);
    return new EstimateSource('estimate:gpu-power-limit', watts);
  }
  const names = existsSync(powercap) ? readdirSync(powercap).filter((name) => /^intel-rapl:\d+$/.test(name)) : [];
  const domains = names.flatMap((name) => {
    const path = join(powercap, name);
    const [last, range] = [readCounter(path, 'energy_uj'), readCounter(path, 'max_energy_range_uj')];
    return last === null || range === null ? [] : [{ path, last, rangeMicroJoule: range }];
  });
  const cores = inventory.host?.cpuCores ?? lentCores;
  if (domains.length > 0) return new RaplSource(domains, Math.min(1, lentCores / cores));
  return new EstimateSource('estimate:cpu-tdp-share', WATTS_PER_CORE * lentCores);
}
