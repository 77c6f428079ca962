import type { Socket } from 'node:net';

/** Kinds of frame on the wire: u32 length of the payload (little-endian), u8 kind, payload. */
export const Frame = { hello: 1, welcome: 2, reduce: 3, result: 4, alive: 5, bye: 6, abort: 7 } as const;

const HEADER_BYTES = 5;

/** One framed TCP connection between two ranks. Knows nothing of gradients. */
export class Link {
  /** When anything last arrived, on the clock of `performance.now()`. */
  lastHeardMs = performance.now();
  onFrame: (kind: number, payload: Buffer) => void = () => {};
  onClose: (reason: string) => void = () => {};
  private pending: Buffer[] = [];
  private pendingBytes = 0;
  private reason = 'connection closed';

  constructor(
    private readonly socket: Socket,
    private readonly maxPayloadBytes: number,
  ) {
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.receive(chunk));
    socket.on('error', (error) => (this.reason = error.message));
    socket.on('close', () => this.onClose(this.reason));
  }

  send(kind: number, ...parts: Uint8Array[]): void {
    if (this.socket.destroyed || !this.socket.writable) return;
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt32LE(parts.reduce((sum, part) => sum + part.byteLength, 0));
    header.writeUInt8(kind, 4);
    this.socket.write(Buffer.concat([header, ...parts]));
  }

  /** Sends what is queued, then closes. */
  async end(): Promise<void> {
    if (this.socket.destroyed) return;
    await new Promise<void>((resolve) => this.socket.end(resolve));
    this.socket.destroy();
  }

  destroy(): void {
    this.socket.destroy();
  }

  private receive(chunk: Buffer): void {
    this.lastHeardMs = performance.now();
    this.pending.push(chunk);
    this.pendingBytes += chunk.length;
    while (this.pendingBytes >= HEADER_BYTES) {
      // Chunks of a large frame are joined once it is complete, not at each arrival.
      if (this.pending[0]!.length < HEADER_BYTES) this.pending = [Buffer.concat(this.pending)];
      const length = this.pending[0]!.readUInt32LE(0);
      if (length > this.maxPayloadBytes) {
        this.reason = `sent a frame of ${length} bytes, at most ${this.maxPayloadBytes} are expected`;
        this.socket.destroy();
        return;
      }
      const total = HEADER_BYTES + length;
      if (this.pendingBytes < total) return;
      const all = this.pending.length === 1 ? this.pending[0]! : Buffer.concat(this.pending);
      const rest = all.subarray(total);
      this.pending = rest.length > 0 ? [rest] : [];
      this.pendingBytes = rest.length;
      this.onFrame(all.readUInt8(4), all.subarray(HEADER_BYTES, total));
    }
  }
}
