import { open } from 'node:fs/promises';
import { z } from 'zod';

const Count = z.int().nonnegative();
const WorkloadEvent = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('step'),
    step: Count,
    loss: z.number(),
    tokens: Count,
    stepMs: z.number().nonnegative(),
    hardwareFlop: z.coerce
      .string()
      .regex(/^\d{1,30}$/)
      .optional(),
  }),
  z.object({ type: z.literal('checkpoint'), step: Count, tokens: Count, loss: z.number(), dir: z.string() }),
  z.object({ type: z.literal('start') }),
  z.object({ type: z.literal('done'), step: Count, loss: z.number() }),
  z.object({ type: z.literal('drained') }),
]);
export type WorkloadEvent = z.infer<typeof WorkloadEvent>;

const CHUNK_BYTES = 256 * 1024;
const MAX_LINE_BYTES = 64 * 1024;

/**
 * Follows `events.jsonl` of a workload. A line counts once it ends in a newline; one that isn't an event we know is
 * reported to `onStray` and passed over, so that a workload may write more than we read.
 */
export class EventTail {
  private offset = 0;
  private rest = Buffer.alloc(0);
  /** Polls follow one another: two at once would read the same bytes twice. */
  private last: Promise<boolean> = Promise.resolve(false);

  constructor(
    private readonly path: string,
    private readonly onEvent: (event: WorkloadEvent) => void,
    private readonly onStray: (line: string) => void,
  ) {}

  /** Reads what is new; true when there may be more. At most one chunk, so that a flood can't hold the agent. */
  poll(): Promise<boolean> {
    this.last = this.last.then(() => this.readChunk());
    return this.last;
  }

  private async readChunk(): Promise<boolean> {
    const file = await open(this.path, 'r').catch(() => null);
    if (!file) return false;
    try {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, this.offset);
      this.offset += bytesRead;
      this.rest = Buffer.concat([this.rest, buffer.subarray(0, bytesRead)]);
      this.takeLines();
      return bytesRead === CHUNK_BYTES;
    } catch {
      return false; // unreadable now: the next poll tries again from the same place
    } finally {
      await file.close();
    }
  }

  private takeLines(): void {
    for (let end = this.rest.indexOf(10); end >= 0; end = this.rest.indexOf(10)) {
      const line = this.rest.subarray(0, end).toString('utf8').trim();
      this.rest = this.rest.subarray(end + 1);
      if (line !== '') this.take(line);
    }
    if (this.rest.length > MAX_LINE_BYTES) {
      this.onStray(`${this.rest.subarray(0, 80).toString('utf8')}... (a line of more than ${MAX_LINE_BYTES} bytes)`);
      this.rest = Buffer.alloc(0);
    }
  }

  private take(line: string): void {
    let json: unknown;
    try {
      json = JSON.parse(line);
    } catch {
      return this.onStray(line.slice(0, 200));
    }
    const event = WorkloadEvent.safeParse(json);
    if (event.success) this.onEvent(event.data);
    else this.onStray(line.slice(0, 200));
  }
}
