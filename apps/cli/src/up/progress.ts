/** Tells a person what is going on: a line for each step, with its time when it took long, and the story in between. */
export class Progress {
  private readonly out = process.stdout;

  /** Runs a step under a line that says so. */
  async step<T>(what: string, body: () => Promise<T>): Promise<T> {
    const started = performance.now();
    const timer = setInterval(() => {
      const seconds = Math.round((performance.now() - started) / 1000);
      this.line(`  … ${what.toLowerCase()} (${seconds} s)`);
    }, 10_000);
    try {
      const value = await body();
      const seconds = (performance.now() - started) / 1000;
      this.line(`  ✓ ${what}${seconds >= 1 ? ` (${seconds.toFixed(1)} s)` : ''}`);
      return value;
    } finally {
      clearInterval(timer);
    }
  }

  heading(text: string): void {
    this.line('');
    this.line(this.bold(text));
  }

  line(text: string): void {
    this.out.write(`${text}\n`);
  }

  fail(text: string): void {
    process.stderr.write(`${text}\n`);
  }

  private bold(text: string): string {
    return this.out.isTTY && !process.env['NO_COLOR'] ? `\u001b[1m${text}\u001b[0m` : text;
  }
}
