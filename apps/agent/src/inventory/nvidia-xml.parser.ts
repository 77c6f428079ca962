import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { z } from 'zod';
import type { Outcome } from '#kernel';
import type { messages } from '#protocol';
import { acceleratorClass, migClass } from './accelerator-class.js';
import { known, memoryMiB, watts, type ParsedDevices } from './nvidia-csv.parser.js';
import { unreadable } from './unreadable.js';

const Memory = z.object({ total: z.string() });
const Mig = z.object({ index: z.string(), gpu_instance_id: z.string().optional(), fb_memory_usage: Memory });
const Gpu = z.object({
  product_name: z.string(),
  uuid: z.string().optional(),
  fb_memory_usage: Memory,
  mig_mode: z.object({ current_mig: z.string().optional() }).optional(),
  mig_devices: z.union([z.string(), z.object({ mig_device: z.array(Mig).default([]) })]).optional(),
  /** Drivers before 530 call the power block power_readings, later ones gpu_power_readings. */
  gpu_power_readings: z.record(z.string(), z.unknown()).optional(),
  power_readings: z.record(z.string(), z.unknown()).optional(),
});
const Log = z.object({
  nvidia_smi_log: z.object({
    driver_version: z.string().optional(),
    cuda_version: z.string().optional(),
    gpu: z.array(Gpu).min(1),
  }),
});

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

export const isXml = (text: string): boolean => /^\uFEFF?\s*<(\?xml|!DOCTYPE|nvidia_smi_log)/.test(text);

/**
 * Reads `nvidia-smi -q -x`. A GPU in MIG mode is listed as its slices, because those are what can be lent; one in MIG
 * mode without slices can't run anything and is left out.
 */
export function parseNvidiaXml(xml: string): Outcome<ParsedDevices> {
  const wellFormed = XMLValidator.validate(xml);
  if (wellFormed !== true)
    return unreadable(`the XML breaks off or is damaged in line ${wellFormed.err.line}: ${wellFormed.err.msg}`);
  // Entities are not expanded: nvidia-smi uses none, and a hostile file could grow without bound.
  const parser = new XMLParser({
    parseTagValue: false,
    processEntities: false,
    isArray: (name) => name === 'gpu' || name === 'mig_device',
  });
  const parsed = Log.safeParse(parser.parse(xml));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return unreadable(
      `element ${issue?.path.join('/') || 'nvidia_smi_log'} is missing or not as expected (${issue?.message ?? 'unknown'})`,
    );
  }
  const log = parsed.data.nvidia_smi_log;
  const devices: messages.Device[] = [];
  for (const gpu of log.gpu) {
    const total = memoryMiB(known(gpu.fb_memory_usage.total));
    if (total === null) return unreadable(`GPU ${gpu.product_name} has no readable fb_memory_usage/total`);
    const power = gpu.gpu_power_readings ?? gpu.power_readings ?? {};
    const limit = watts(
      known(text(power['current_power_limit'] ?? power['power_limit'] ?? power['enforced_power_limit'] ?? '')),
    );
    const whole = { vendor: 'nvidia' as const, model: gpu.product_name, uuid: known(gpu.uuid) };
    if (/^enabled$/i.test(gpu.mig_mode?.current_mig ?? '')) {
      const slices = typeof gpu.mig_devices === 'object' ? gpu.mig_devices.mig_device : [];
      for (const slice of slices) {
        const memory = memoryMiB(known(slice.fb_memory_usage.total));
        if (memory === null)
          return unreadable(`MIG device ${slice.index} of ${gpu.product_name} has no readable memory`);
        const name = `${gpu.product_name} MIG ${Math.ceil(memory / 1024)}GB`;
        const share = limit === null ? null : Math.round((limit * memory) / total);
        devices.push({
          ...whole,
          index: devices.length,
          model: name,
          class: migClass(gpu.product_name, memory),
          memoryMiB: memory,
          powerLimitW: share,
        });
      }
    } else {
      devices.push({
        ...whole,
        index: devices.length,
        class: acceleratorClass(gpu.product_name),
        memoryMiB: total,
        powerLimitW: limit,
      });
    }
  }
  if (devices.length === 0)
    return unreadable('every GPU is in MIG mode and none has a MIG device: create one, or switch MIG off');
  return {
    source: 'nvidia-smi-xml',
    driverVersion: known(log.driver_version),
    cudaVersion: known(log.cuda_version),
    devices,
  };
}
