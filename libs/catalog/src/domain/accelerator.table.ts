/**
 * The accelerator classes that GPU time can be pledged and budgeted in. One class is one unit of account,
 * `gpu_second:<class>`, so a class never changes its meaning; a new device is a new class.
 *
 * `peakFlopPerSecond` is the dense rate of one device at the precision that training uses. Vendors like to print the
 * rate with structured sparsity, which is twice as much and which no training here reaches.
 */
export interface AcceleratorClass {
  readonly class: string;
  /** A noun without article or number, so that it can follow one: "peak of one …". */
  readonly label: string;
  readonly precision: string;
  /** Dense floating-point operations per second of one device. */
  readonly peakFlopPerSecond: bigint;
  /** Share of the peak that a well-run training reaches, in basis points; a starting value that every budget may replace. */
  readonly usualMfuBasisPoints: number;
  /** Rent of one device for an hour in US cents; a starting value likewise. */
  readonly usualPricePerHourMinor: bigint;
  /** Slugs of the device names that drivers report for this class. */
  readonly devices: readonly string[];
  readonly source: string;
}

const tera = (n: number): bigint => BigInt(n) * 10n ** 12n;

const TABLE: readonly AcceleratorClass[] = [
  gpu('b200', 'NVIDIA B200', 2250, 499n, ['b200'], 'NVIDIA DGX B200 data sheet; half of the sparse BF16 rate'),
  gpu('h200', 'NVIDIA H200 SXM 141 GB', 989, 349n, ['h200'], 'NVIDIA H200 data sheet; half of the sparse BF16 rate'),
  gpu(
    'h100-sxm-80',
    'NVIDIA H100 SXM 80 GB',
    989,
    249n,
    ['h100-80gb-hbm3', 'h100-sxm5-80gb'],
    'NVIDIA H100 data sheet; half of the sparse BF16 rate',
  ),
  gpu(
    'h100-pcie-80',
    'NVIDIA H100 PCIe 80 GB',
    756,
    219n,
    ['h100-pcie'],
    'NVIDIA H100 data sheet; half of the sparse BF16 rate',
  ),
  gpu(
    'a100-80',
    'NVIDIA A100 80 GB',
    312,
    149n,
    ['a100-sxm4-80gb', 'a100-80gb-pcie'],
    'NVIDIA A100 data sheet, BF16 dense',
  ),
  gpu(
    'a100-40',
    'NVIDIA A100 40 GB',
    312,
    119n,
    ['a100-sxm4-40gb', 'a100-pcie-40gb'],
    'NVIDIA A100 data sheet, BF16 dense',
  ),
  gpu('mi300x', 'AMD Instinct MI300X', 1307, 249n, ['mi300x'], 'AMD Instinct MI300X data sheet, BF16 dense'),
  gpu('l40s', 'NVIDIA L40S', 362, 89n, ['l40s'], 'NVIDIA L40S data sheet; half of the sparse BF16 rate'),
  gpu(
    'rtx-4090',
    'NVIDIA GeForce RTX 4090',
    165,
    39n,
    ['rtx-4090'],
    'NVIDIA Ada GPU architecture paper; BF16 with FP32 accumulation, dense',
  ),
  {
    class: 'cpu',
    label: 'CPU worker process',
    precision: 'float32',
    peakFlopPerSecond: 48n * 10n ** 9n,
    usualMfuBasisPoints: 200,
    usualPricePerHourMinor: 5n,
    devices: ['cpu'],
    source:
      'Assumed, not measured: 3.0 GHz and one 8-lane float32 fused multiply-add a cycle are 48 GFLOP/s; one donated worker process counts as one device',
  },
];

function gpu(
  name: string,
  label: string,
  teraFlop: number,
  usualPricePerHourMinor: bigint,
  devices: readonly string[],
  source: string,
): AcceleratorClass {
  return {
    class: name,
    label,
    precision: 'bf16',
    peakFlopPerSecond: tera(teraFlop),
    usualMfuBasisPoints: 4000,
    usualPricePerHourMinor,
    devices,
    source,
  };
}

const BY_NAME = new Map(TABLE.map((entry) => [entry.class, entry]));
const BY_DEVICE = new Map(TABLE.flatMap((entry) => entry.devices.map((device) => [device, entry] as const)));

export const acceleratorClasses = (): readonly AcceleratorClass[] => TABLE;

/** The class of that name, or the class of the device whose driver reports that name; undefined when neither is known. */
export const acceleratorClass = (name: string): AcceleratorClass | undefined =>
  BY_NAME.get(name) ?? BY_DEVICE.get(name);
