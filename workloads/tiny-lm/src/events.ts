import { appendFileSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** One line of events.jsonl; the README of `workloads/` lists the fields. */
export type TrainingEvent =
  | {
      type: 'start';
      rank: number;
      worldSize: number;
      step: number;
      steps: number;
      parameters: number;
      flopPerToken: number;
      tokensPerStep: number;
      dataSha256: string;
    }
  | {
      type: 'step';
      step: number;
      loss: number;
      tokens: number;
      stepMs: number;
      hardwareFlop: string;
      learningRate: number;
      gradientNorm: number;
    }
  | { type: 'checkpoint'; step: number; tokens: number; loss: number; dir: string }
  | { type: 'done'; step: number; loss: number; tokens: number; hardwareFlop: string }
  | { type: 'drained'; step: number };

/** The folder through which a workload and its agent talk: events out, the drain file in. */
export class OutDir {
  private readonly events: string;
  private readonly drainFile: string;
  private signalled = false;

  constructor(readonly path: string) {
    mkdirSync(join(path, 'checkpoints'), { recursive: true });
    this.events = join(path, 'events.jsonl');
    this.drainFile = join(path, 'drain');
  }

  emit(event: TrainingEvent): void {
    appendFileSync(this.events, `${JSON.stringify(event)}\n`);
  }

  /** A SIGTERM asks for the same as the drain file. */
  requestDrain(): void {
    this.signalled = true;
  }

  drainRequested(): boolean {
    return this.signalled || existsSync(this.drainFile);
  }
}
