import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LogBuffer } from './log.buffer.js';

const drain = (buffer: LogBuffer, max: number) => {
  const pieces = [];
  for (let piece = buffer.take(max); piece; piece = buffer.take(max)) pieces.push(piece);
  return pieces;
};

describe('log buffer', () => {
  it('gives back what was written, whatever the chunks and pieces', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 200 }),
        fc.integer({ min: 4, max: 50 }),
        fc.integer({ min: 1, max: 9 }),
        (text, max, step) => {
          const buffer = new LogBuffer(10_000);
          const bytes = Buffer.from(Buffer.from(text).toString());
          for (let at = 0; at < bytes.length; at += step) buffer.append(bytes.subarray(at, at + step));
          expect(
            drain(buffer, max)
              .map((piece) => piece.text)
              .join(''),
          ).toBe(bytes.toString());
        },
      ),
    );
  });

  it('never holds more than its capacity, and offsets account for every byte', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 300 })), (sizes) => {
        const buffer = new LogBuffer(100);
        for (const size of sizes) {
          buffer.append(Buffer.alloc(size, 120));
          expect(buffer.size).toBeLessThanOrEqual(100);
        }
        const total = sizes.reduce((sum, size) => sum + size, 0);
        const pieces = drain(buffer, 40);
        const sent = pieces.reduce((sum, piece) => sum + piece.text.length, 0);
        const dropped = pieces.reduce((sum, piece) => sum + piece.droppedBytes, 0);
        expect(sent + dropped).toBe(total);
        pieces.forEach((piece, at) => {
          const before =
            at === 0 ? piece.droppedBytes : (pieces[at - 1]?.offset ?? 0) + (pieces[at - 1]?.text.length ?? 0);
          expect(piece.offset).toBe(before);
        });
      }),
    );
  });
});
