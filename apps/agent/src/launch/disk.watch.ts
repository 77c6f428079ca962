import { readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';

export interface DiskLimits {
  /** Bytes that the folder of one lease may hold. */
  maxLeaseBytes: number;
  /** Bytes that must stay free on the donor's disk. */
  minFreeBytes: number;
}

export const DEFAULT_DISK_LIMITS: DiskLimits = { maxLeaseBytes: 20 * 1024 ** 3, minFreeBytes: 512 * 1024 ** 2 };

/** Why a lease must stop for the disk's sake, or null. Files that vanish while being counted count nothing. */
export async function diskTrouble(folder: string, limits: DiskLimits): Promise<string | null> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free < limits.minFreeBytes)
    return `only ${mib(free)} MiB are left on the disk, ${mib(limits.minFreeBytes)} must stay free`;
  const used = await bytesBelow(folder);
  if (used > limits.maxLeaseBytes)
    return `the workload wrote ${mib(used)} MiB, the limit is ${mib(limits.maxLeaseBytes)}`;
  return null;
}

const mib = (bytes: number): number => Math.round(bytes / 1024 ** 2);

async function bytesBelow(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  // Blocks, not lengths: a sparse file takes what it takes.
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      stat(join(entry.parentPath, entry.name)).then(
        (file) => file.blocks * 512,
        () => 0,
      ),
    );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
