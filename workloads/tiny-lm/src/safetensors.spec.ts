import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeSafetensors, encodeSafetensors, SafetensorsError } from './safetensors.js';

/** A file with any header, honest or not. */
function file(header: string, data: Buffer = Buffer.alloc(0), claimed = Buffer.byteLength(header)): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(claimed));
  return Buffer.concat([length, Buffer.from(header), data]);
}

const one = (entry: object): string => JSON.stringify({ w: entry });

describe('safetensors', () => {
  it('gives back every bit it was given', () => {
    const tensor = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }).chain((shape) => {
      const length = shape.reduce((product, size) => product * size, 1);
      return fc.record({
        shape: fc.constant(shape),
        values: fc.float32Array({ minLength: length, maxLength: length }),
      });
    });
    const words = fc.dictionary(fc.string({ minLength: 1 }), fc.string());
    fc.assert(
      fc.property(fc.array(tensor, { maxLength: 4 }), words, (bare, metadata) => {
        delete metadata['__proto__'];
        const tensors = bare.map((rest, i) => ({ name: `t${i}`, ...rest }));
        const encoded = encodeSafetensors(tensors, metadata);
        expect((8 + Number(encoded.readBigUInt64LE(0))) % 8).toBe(0);
        const decoded = decodeSafetensors(encoded);
        expect(decoded.tensors.map(({ name, shape }) => ({ name, shape }))).toEqual(
          tensors.map(({ name, shape }) => ({ name, shape })),
        );
        decoded.tensors.forEach(({ values }, i) => {
          const bytes = (v: Float32Array): Buffer => Buffer.from(v.buffer, v.byteOffset, v.byteLength);
          expect(bytes(values).equals(bytes(tensors[i]!.values))).toBe(true);
        });
        expect(decoded.metadata).toEqual(metadata);
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    ['an empty file', Buffer.alloc(0), 'shorter than its length field'],
    ['a length beyond the file', file('{}', Buffer.alloc(0), 500), 'claims 500 bytes'],
    ['a length of 2^63', Buffer.concat([Buffer.from([0, 0, 0, 0, 0, 0, 0, 128]), Buffer.from('{}')]), 'more than'],
    ['a header that does not begin with {', file(' {}'), 'does not begin with {'],
    ['a header that is not JSON', file('{"w":'), 'not JSON'],
    ['metadata that is no text', file('{"__metadata__":{"step":5}}'), '__metadata__.step'],
    ['another dtype', file(one({ dtype: 'F16', shape: [2], data_offsets: [0, 4] }), Buffer.alloc(4)), 'dtype F16'],
    ['a negative size', file(one({ dtype: 'F32', shape: [-1], data_offsets: [0, 4] }), Buffer.alloc(4)), 'valid shape'],
    [
      'a shape larger than the bytes',
      file(one({ dtype: 'F32', shape: [2], data_offsets: [0, 4] }), Buffer.alloc(4)),
      'needs 8',
    ],
    [
      'offsets beyond the data',
      file(one({ dtype: 'F32', shape: [1], data_offsets: [4, 8] }), Buffer.alloc(4)),
      'outside',
    ],
    ['offsets backwards', file(one({ dtype: 'F32', shape: [1], data_offsets: [4, 0] }), Buffer.alloc(4)), 'outside'],
    [
      'bytes nobody describes',
      file(one({ dtype: 'F32', shape: [1], data_offsets: [0, 4] }), Buffer.alloc(8)),
      'holds 8',
    ],
    [
      'a hole before the tensor',
      file(one({ dtype: 'F32', shape: [1], data_offsets: [4, 8] }), Buffer.alloc(8)),
      'expected 0',
    ],
  ])('refuses %s', (_, content, message) => {
    expect(() => decodeSafetensors(content)).toThrow(SafetensorsError);
    expect(() => decodeSafetensors(content)).toThrow(message);
  });

  it('refuses two tensors over the same bytes', () => {
    const entry = { dtype: 'F32', shape: [1], data_offsets: [0, 4] };
    expect(() => decodeSafetensors(file(JSON.stringify({ a: entry, b: entry }), Buffer.alloc(4)))).toThrow(
      'expected 4',
    );
  });
});
