/**
 * Reads the header of a safetensors file: eight bytes with the header's length (little-endian), the header as JSON, then
 * the tensors' bytes without gaps. Believes nothing: a header that lies about sizes could make a loader read outside its
 * buffer.
 */
const BYTES: Readonly<Record<string, number>> = {
  F64: 8,
  I64: 8,
  U64: 8,
  F32: 4,
  I32: 4,
  U32: 4,
  F16: 2,
  BF16: 2,
  I16: 2,
  U16: 2,
  F8_E4M3: 1,
  F8_E5M2: 1,
  I8: 1,
  U8: 1,
  BOOL: 1,
};
/** The format's own limit. */
export const MAX_HEADER_BYTES = 100_000_000;
export const LENGTH_BYTES = 8;

export interface Tensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Where its bytes begin and end, counted from the end of the header. */
  readonly begin: number;
  readonly end: number;
}

/** What is wrong with the file, as a sentence. */
export class MalformedSafetensors extends Error {}

/** Length of the header, from the first eight bytes of a file of `fileBytes`. */
export function headerLength(prefix: Buffer, fileBytes: number): number {
  if (prefix.length < LENGTH_BYTES) throw new MalformedSafetensors('it is shorter than its length field');
  const length = prefix.readBigUInt64LE(0);
  if (length > BigInt(MAX_HEADER_BYTES)) throw new MalformedSafetensors(`its header claims ${length} bytes`);
  if (LENGTH_BYTES + Number(length) > fileBytes) throw new MalformedSafetensors('its header is longer than the file');
  return Number(length);
}

/** The tensors of a header, in the order of their bytes. Throws {@link MalformedSafetensors}. */
export function readHeader(header: Buffer, fileBytes: number): Tensor[] {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(header));
  } catch {
    throw new MalformedSafetensors('its header is not JSON');
  }
  if (header[0] !== 0x7b || typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new MalformedSafetensors('its header is not a JSON object');
  }
  const tensors = Object.entries(json)
    .filter(([name]) => name !== '__metadata__')
    .map(([name, entry]) => readTensor(name, entry))
    .sort((a, b) => a.begin - b.begin || a.end - b.end);
  if (tensors.length === 0) throw new MalformedSafetensors('it holds no tensor');
  let at = 0;
  for (const tensor of tensors) {
    if (tensor.begin !== at) throw new MalformedSafetensors(`tensor ${tensor.name} leaves a gap or overlaps another`);
    at = tensor.end;
  }
  const data = fileBytes - LENGTH_BYTES - header.length;
  if (at !== data) throw new MalformedSafetensors(`its tensors take ${at} bytes, the file has ${data} for them`);
  return tensors;
}

function readTensor(name: string, entry: unknown): Tensor {
  const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>;
  const size = typeof dtype === 'string' && Object.hasOwn(BYTES, dtype) ? BYTES[dtype] : undefined;
  if (typeof dtype !== 'string' || size === undefined)
    throw new MalformedSafetensors(`tensor ${name} has no known dtype`);
  if (!isCounts(shape)) throw new MalformedSafetensors(`tensor ${name} has no valid shape`);
  if (!isCounts(offsets) || offsets.length !== 2) throw new MalformedSafetensors(`tensor ${name} has no valid offsets`);
  const [begin, end] = offsets as [number, number];
  const elements = shape.reduce((product, n) => product * BigInt(n), 1n);
  if (end < begin || BigInt(end - begin) !== elements * BigInt(size)) {
    throw new MalformedSafetensors(`tensor ${name} has not the bytes that its shape takes`);
  }
  return { name, dtype, shape, begin, end };
}

const isCounts = (value: unknown): value is number[] =>
  Array.isArray(value) &&
  value.length <= 64 &&
  value.every((n) => typeof n === 'number' && Number.isSafeInteger(n) && n >= 0);
