/**
 * Accelerator class of a device, from its marketing name: the unit in which GPU time is counted, `gpu_second:<class>`.
 * One name gives one class, so the rule is a plain slug without vendor words: `NVIDIA GeForce RTX 4080 SUPER` is
 * `rtx-4080-super`, `NVIDIA H100 80GB HBM3` is `h100-80gb-hbm3`. A MIG slice is a class of its own, by memory.
 */
export function acceleratorClass(model: string): string {
  const slug = model
    .toLowerCase()
    .replace(/\((tm|r)\)|™|®/g, ' ')
    .replace(/\b(nvidia|geforce|tesla|quadro|amd|advanced micro devices|instinct|radeon|inc\.?|corporation)\b/g, ' ')
    .replace(/\.\.\.$/, ' ')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return slug.slice(0, 40).replace(/-+$/, '') || 'unknown';
}

/** Class of a MIG slice: memory rounded up to whole GiB, as NVIDIA's profile names do (19,968 MiB is `20gb`). */
export function migClass(parentModel: string, memoryMiB: number): string {
  return `${acceleratorClass(parentModel)}.mig-${Math.ceil(memoryMiB / 1024)}gb`;
}
