/** Socket errors, and PostgreSQL's classes 08 (connection), 53 (resources) and 57 (shut down by somebody). */
const isConnectionLoss = (error: unknown): boolean =>
  /^(E[A-Z]{4,}|08\w{3}|53\w{3}|57P\w{2})$/.test((error as { code?: string }).code ?? '') ||
  (error as Error).message.startsWith('Connection terminated');

interface Waiting<In, Out> {
  readonly input: In;
  readonly resolve: (output: Out) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Natural batching for hot writes: whoever comes while a flush is under way waits for the next one, which takes them
 * all in one statement and one commit. There is no timer, so an idle caller waits no longer than a single write; under
 * load the batch grows by itself. Every caller is answered after the commit of its own row.
 *
 * A batch that throws is tried again in halves, so that one poisoned row fails alone. A lost connection is not: nobody
 * knows whether the batch was committed, so every caller is told.
 */
export class GroupCommitter<In, Out> {
  private readonly waiting: Waiting<In, Out>[] = [];
  private active = 0;

  constructor(
    private readonly flush: (batch: In[]) => Promise<Out[]>,
    private readonly options: { maxBatch: number; lanes: number } = { maxBatch: 1000, lanes: 1 },
  ) {}

  submit(input: In): Promise<Out> {
    return new Promise<Out>((resolve, reject) => {
      this.waiting.push({ input, resolve, reject });
      this.pump();
    });
  }

  /** Resolves when nothing waits and nothing is being written. */
  async idle(): Promise<void> {
    while (this.active > 0 || this.waiting.length > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  private pump(): void {
    if (this.active >= this.options.lanes || this.waiting.length === 0) return;
    this.active += 1;
    // A microtask later, so that callers of the same turn share the batch.
    queueMicrotask(() => {
      const batch = this.waiting.splice(0, this.options.maxBatch);
      void this.write(batch).finally(() => {
        this.active -= 1;
        this.pump();
      });
    });
  }

  private async write(batch: Waiting<In, Out>[]): Promise<void> {
    if (batch.length === 0) return;
    try {
      const outputs = await this.flush(batch.map((w) => w.input));
      if (outputs.length !== batch.length) throw new Error(`flush answered ${outputs.length} of ${batch.length} rows`);
      batch.forEach((w, index) => w.resolve(outputs[index] as Out));
    } catch (error) {
      if (batch.length === 1 || isConnectionLoss(error)) {
        for (const { reject } of batch) reject(error);
        return;
      }
      const half = Math.ceil(batch.length / 2);
      await this.write(batch.slice(0, half));
      await this.write(batch.slice(half));
    }
  }
}
