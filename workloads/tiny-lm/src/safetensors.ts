/**
 * The safetensors container, F32 only: u64 little-endian header length, a JSON header, then the raw tensors.
 * Reading checks what the format promises (tensors cover the data exactly, no holes, no overlap), because a
 * checkpoint comes back over the network from machines we do not know.
 * Source: the format description of the safetensors project.
 */
export interface Tensor {
  name: string;
  shape: number[];
  values: Float32Array;
}

export interface TensorFile {
  tensors: Tensor[];
  metadata: Record<string, string>;
}

/** A file that is not what it claims to be; the message says where. */
export class SafetensorsError extends Error {}

const MAX_HEADER_BYTES = 100_000_000;

export function encodeSafetensors(tensors: Tensor[], metadata: Record<string, string> = {}): Buffer {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let offset = 0;
  for (const { name, shape, values } of tensors) {
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, offset + values.byteLength] };
    offset += values.byteLength;
  }
  // Padding with spaces keeps the data aligned to eight bytes.
  const json = JSON.stringify(header);
  const bytes = Buffer.from(json.padEnd(json.length + ((8 - (Buffer.byteLength(json) % 8)) % 8), ' '));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(bytes.length));
  const data = tensors.map(({ values }) => Buffer.from(values.buffer, values.byteOffset, values.byteLength));
  return Buffer.concat([length, bytes, ...data]);
}

export function decodeSafetensors(file: Buffer): TensorFile {
  const { header, data } = splitHeader(file);
  const tensors: Tensor[] = [];
  let metadata: Record<string, string> = {};
  const ranges: { name: string; begin: number; end: number }[] = [];
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') {
      metadata = readMetadata(entry);
      continue;
    }
    const { shape, begin, end } = readEntry(name, entry, data.length);
    ranges.push({ name, begin, end });
    // A copy, because the view in the file need not be aligned to four bytes.
    const values = new Float32Array(new Uint8Array(data.subarray(begin, end)).buffer);
    tensors.push({ name, shape, values });
  }
  ranges.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let covered = 0;
  for (const { name, begin, end } of ranges) {
    if (begin !== covered) throw new SafetensorsError(`tensor ${name} begins at ${begin}, expected ${covered}`);
    covered = end;
  }
  if (covered !== data.length) {
    throw new SafetensorsError(`header describes ${covered} bytes of data, file holds ${data.length}`);
  }
  return { tensors, metadata };
}

function splitHeader(file: Buffer): { header: Record<string, unknown>; data: Buffer } {
  if (file.length < 8) throw new SafetensorsError('file is shorter than its length field');
  const length = file.readBigUInt64LE(0);
  if (length > BigInt(Math.min(MAX_HEADER_BYTES, file.length - 8))) {
    throw new SafetensorsError(`header claims ${length} bytes, more than the file or the format allows`);
  }
  const end = 8 + Number(length);
  if (file[8] !== 0x7b) throw new SafetensorsError('header does not begin with {');
  let header: unknown;
  try {
    header = JSON.parse(file.toString('utf8', 8, end));
  } catch {
    throw new SafetensorsError('header is not JSON');
  }
  if (!isRecord(header)) throw new SafetensorsError('header is not an object');
  return { header, data: file.subarray(end) };
}

function readMetadata(entry: unknown): Record<string, string> {
  if (!isRecord(entry)) throw new SafetensorsError('__metadata__ is not an object');
  const metadata: Record<string, string> = {};
  for (const [key, value] of Object.entries(entry)) {
    if (typeof value !== 'string') throw new SafetensorsError(`__metadata__.${key} is not a string`);
    metadata[key] = value;
  }
  return metadata;
}

function readEntry(name: string, entry: unknown, dataLength: number): { shape: number[]; begin: number; end: number } {
  if (!isRecord(entry)) throw new SafetensorsError(`tensor ${name} is not described by an object`);
  const { dtype, shape, data_offsets: offsets } = entry;
  if (dtype !== 'F32') throw new SafetensorsError(`tensor ${name} has dtype ${String(dtype)}, only F32 is read here`);
  if (!isSizes(shape)) throw new SafetensorsError(`tensor ${name} has no valid shape`);
  if (!isSizes(offsets) || offsets.length !== 2) throw new SafetensorsError(`tensor ${name} has no valid data_offsets`);
  const [begin, end] = offsets as [number, number];
  if (begin > end || end > dataLength) {
    throw new SafetensorsError(`tensor ${name} lies at ${begin}..${end}, outside the ${dataLength} bytes of data`);
  }
  const bytes = shape.reduce((product, size) => product * size, 4);
  if (bytes !== end - begin) throw new SafetensorsError(`tensor ${name} needs ${bytes} bytes, has ${end - begin}`);
  return { shape, begin, end };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && (size as number) >= 0);
}
