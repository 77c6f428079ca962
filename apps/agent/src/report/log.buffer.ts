export interface LogPiece {
  /** Bytes of the stream before this piece, dropped ones included. */
  offset: number;
  text: string;
  /** Bytes lost just before this piece. */
  droppedBytes: number;
}

/**
 * Bounded memory for output that waits to be sent.
 *  1. It never holds more than its capacity: the oldest bytes go first, and are counted.
 *  2. Offsets count every byte that was written, so a gap shows as one.
 *  3. A piece ends between characters, unless the bytes are not UTF-8 at all.
 */
export class LogBuffer {
  private chunks: Buffer[] = [];
  private held = 0;
  private startOffset = 0;
  private dropped = 0;

  constructor(private readonly capacityBytes: number) {}

  get size(): number {
    return this.held;
  }

  append(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.held += chunk.length;
    while (this.held > this.capacityBytes)
      this.discard(Math.min(this.chunks[0]?.length ?? 0, this.held - this.capacityBytes));
  }

  /** Removes and returns up to `maxBytes`, or null when empty. */
  take(maxBytes: number): LogPiece | null {
    if (this.held === 0) return null;
    const bytes = Buffer.concat(this.chunks);
    const length = characterBoundary(bytes, Math.min(maxBytes, bytes.length));
    const piece = {
      offset: this.startOffset,
      text: bytes.subarray(0, length).toString('utf8'),
      droppedBytes: this.dropped,
    };
    const rest = bytes.subarray(length);
    this.chunks = rest.length > 0 ? [rest] : [];
    this.held = rest.length;
    this.startOffset += length;
    this.dropped = 0;
    return piece;
  }

  private discard(bytes: number): void {
    const [first, ...rest] = this.chunks;
    if (!first) return;
    this.chunks = bytes >= first.length ? rest : [first.subarray(bytes), ...rest];
    const gone = Math.min(bytes, first.length);
    this.held -= gone;
    this.startOffset += gone;
    this.dropped += gone;
  }
}

/** The largest cut at or before `at` that doesn't split a UTF-8 character; `at` itself when there is none near. */
function characterBoundary(bytes: Buffer, at: number): number {
  for (let back = 1; back <= Math.min(3, at - 1); back++) {
    const byte = bytes[at - back] ?? 0;
    if (byte < 0x80) return at;
    if (byte >= 0xc0) {
      const needs = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return needs > back ? at - back : at;
    }
  }
  return at;
}
