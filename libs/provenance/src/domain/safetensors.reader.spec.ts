import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LENGTH_BYTES, MalformedSafetensors, headerLength, readHeader } from './safetensors.reader.js';

const build = (header: unknown, data = 0): { header: Buffer; file: number; prefix: Buffer } => {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(text.length));
  return { header: text, file: 8 + text.length + data, prefix };
};
const read = (header: unknown, data: number) => {
  const built = build(header, data);
  expect(headerLength(built.prefix, built.file)).toBe(built.header.length);
  return readHeader(built.header, built.file);
};
const f32 = (shape: number[], begin: number, end: number) => ({ dtype: 'F32', shape, data_offsets: [begin, end] });

describe('safetensors header', () => {
  it('reads tensors in the order of their bytes', () => {
    const tensors = read(
      { __metadata__: { step: '5' }, b: f32([2], 16, 24), a: f32([2, 2], 0, 16), s: f32([], 24, 28) },
      28,
    );
    expect(tensors.map((t) => t.name)).toEqual(['a', 'b', 's']);
  });

  it.each([
    ['a gap', { a: f32([1], 4, 8) }, 8],
    ['an overlap', { a: f32([2], 0, 8), b: f32([2], 4, 12) }, 12],
    ['bytes left over', { a: f32([1], 0, 4) }, 8],
    ['bytes missing', { a: f32([2], 0, 8) }, 4],
    ['a shape that lies', { a: f32([3], 0, 8) }, 8],
    ['an unknown dtype', { a: { dtype: 'F31', shape: [1], data_offsets: [0, 4] } }, 4],
    ['a dtype of the prototype', { a: { dtype: 'constructor', shape: [1], data_offsets: [0, 4] } }, 4],
    ['a negative dimension', { a: f32([-1, -1], 0, 4) }, 4],
    ['a huge dimension', { a: f32([2 ** 53, 2 ** 53], 0, 4) }, 4],
    ['no tensor', { __metadata__: {} }, 0],
    ['an array', [], 0],
    ['no JSON', '{"a":', 0],
  ])('refuses %s', (_name, header, data) => {
    expect(() => read(header, data)).toThrow(MalformedSafetensors);
  });

  it('refuses a length that leaves the file', () => {
    const prefix = Buffer.alloc(8);
    prefix.writeBigUInt64LE(2n ** 63n);
    expect(() => headerLength(prefix, 100)).toThrow(MalformedSafetensors);
    prefix.writeBigUInt64LE(93n);
    expect(() => headerLength(prefix, 100)).toThrow(MalformedSafetensors);
    expect(() => headerLength(Buffer.alloc(LENGTH_BYTES - 1), 7)).toThrow(MalformedSafetensors);
  });

  it('never throws anything else, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(1000), (bytes, size) => {
        try {
          readHeader(Buffer.from(bytes), size);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedSafetensors);
        }
      }),
    );
  });
});
