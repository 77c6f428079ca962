import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type ChallengePlan, ChallengeProver, type OpenedMatrix, inBetween } from '#protocol';

/** Works out one challenge on one device: ready, seed to commitment, reveal to opening. `close` gives everything back. */
export interface Solver {
  ready(plan: ChallengePlan): Promise<void>;
  commit(seed: Buffer): Promise<Buffer>;
  open(reveal: Buffer): Promise<readonly OpenedMatrix[]>;
  close(): void;
}

/** In this process, product by product, so that heartbeats go on in between. */
export class ProcessorSolver implements Solver {
  private plan: ChallengePlan | undefined;
  private prover: ChallengeProver | undefined;

  constructor(private readonly signal: AbortSignal) {}

  ready(plan: ChallengePlan): Promise<void> {
    this.plan = plan;
    return Promise.resolve();
  }

  commit(seed: Buffer): Promise<Buffer> {
    if (!this.plan) throw new Error('not ready');
    this.prover = new ChallengeProver(seed, this.plan);
    return inBetween(this.prover.commitSteps(), this.signal);
  }

  open(reveal: Buffer): Promise<readonly OpenedMatrix[]> {
    if (!this.prover) throw new Error('nothing was committed to');
    return Promise.resolve(this.prover.open(reveal));
  }

  close(): void {
    this.prover = undefined;
  }
}

export interface TorchOptions {
  readonly python: string;
  readonly installRoot: string;
  /** As PyTorch names it: `cuda:0`, `cpu`. */
  readonly device: string;
  /** Variables of ours that it may see. */
  readonly env: NodeJS.ProcessEnv;
}

/** On a device that PyTorch drives, in a process of its own: solvers/chain.py. */
export class TorchSolver implements Solver {
  private readonly child: ChildProcess;
  private readonly lines: AsyncIterator<string>;
  private complaint = '';

  constructor({ python, installRoot, device, env }: TorchOptions) {
    this.child = spawn(python, [join(installRoot, 'apps/agent/solvers/chain.py'), device], {
      env,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.child.on('error', (error) => (this.complaint += error.message));
    this.child.stdin?.on('error', () => undefined);
    this.child.stderr?.on(
      'data',
      (chunk: Buffer) => (this.complaint = (this.complaint + chunk.toString()).slice(-500)),
    );
    this.lines = createInterface({ input: this.child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  }

  async ready(plan: ChallengePlan): Promise<void> {
    await this.ask({ plan });
  }

  async commit(seed: Buffer): Promise<Buffer> {
    const { commitment } = await this.ask<{ commitment: string }>({ seed: seed.toString('hex') });
    return Buffer.from(commitment, 'hex');
  }

  async open(reveal: Buffer): Promise<readonly OpenedMatrix[]> {
    return (await this.ask<{ opening: OpenedMatrix[] }>({ reveal: reveal.toString('hex') })).opening;
  }

  close(): void {
    this.child.kill('SIGKILL');
  }

  private async ask<T>(question: object): Promise<T> {
    this.child.stdin?.write(`${JSON.stringify(question)}\n`);
    const { value, done } = await this.lines.next();
    if (done === true || value === undefined)
      throw new Error(`the solver ended: ${this.complaint.trim().split('\n').at(-1) ?? 'it said nothing'}`);
    return JSON.parse(value) as T;
  }
}
