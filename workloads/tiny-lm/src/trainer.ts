import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { readCheckpoint, writeCheckpoint, type TrainingState } from './checkpoint.js';
import { Collective } from './collective.js';
import { InputError, type Launch, type TrainingConfig } from './config.js';
import { fillBatch, shardOf, type Corpus } from './data.js';
import type { OutDir } from './events.js';
import { flopPerToken, initialParameters, Model, parameterSpecs } from './model.js';
import { AdamW } from './optimizer.js';

/**
 * Sequences computed between two looks at the network: about 10^8 FLOP, so that a slow core still answers its peers
 * several times a second. A function of the configuration alone, because it decides the order of additions.
 */
function chunkOf(config: TrainingConfig): number {
  return Math.max(1, Math.min(8, Math.floor(1e8 / (flopPerToken(config) * config.context))));
}

export interface TrainingHooks {
  /** Called once when a peer disappears; end the process, for the sum of that step can never be completed. */
  onLost: (reason: string) => void;
  /** The gang is complete; from here on a drain has something to finish and to save. */
  onJoined: () => void;
  /** Progress for people, a line every ten steps. */
  say: (line: string) => void;
}

const makeFloat32 = (length: number): Float32Array => new Float32Array(length);

/** Trains from the restored step (or 0) to `config.steps`, or until some rank is asked to drain. */
export async function train(
  config: TrainingConfig,
  launch: Launch,
  corpus: Corpus,
  out: OutDir,
  hooks: TrainingHooks,
): Promise<'done' | 'drained'> {
  const specs = parameterSpecs(config);
  const optimizer = new AdamW(specs, config);
  const parameters = initialParameters(config, config.seed, makeFloat32) as Float32Array;
  const restored = launch.restoreDir === undefined ? undefined : readCheckpoint(launch.restoreDir, specs);
  if (restored !== undefined) {
    if (restored.state.data.sha256 !== corpus.sha256)
      throw new InputError('the checkpoint was trained on another text');
    parameters.set(restored.parameters);
    optimizer.firstMoment.set(restored.firstMoment);
    optimizer.secondMoment.set(restored.secondMoment);
  }
  if (corpus.tokens.length <= config.context) throw new InputError('the text is shorter than one context');
  const tokensPerStep = config.batchSize * config.context;
  const { rank, worldSize, masterAddr, masterPort } = launch;
  let step = restored?.state.step ?? 0;
  let tokens = restored?.state.tokens ?? 0;
  let loss = restored?.state.loss ?? 0;
  let hardwareFlop = BigInt(restored?.state.hardwareFlop ?? 0);
  let saved = step;

  out.emit({
    type: 'start',
    rank,
    worldSize,
    step,
    steps: config.steps,
    parameters: parameters.length,
    flopPerToken: flopPerToken(config),
    tokensPerStep,
    dataSha256: corpus.sha256,
  });
  const { peerTimeoutMs, rendezvousTimeoutMs } = config;
  const collective = await Collective.join({
    rank,
    worldSize,
    masterAddr,
    masterPort,
    attempt: launch.attempt,
    fingerprint: fingerprint(config, corpus, parameters, step),
    length: parameters.length,
    peerTimeoutMs,
    rendezvousTimeoutMs,
    onLost: hooks.onLost,
  });

  hooks.onJoined();

  const saveCheckpoint = async (): Promise<void> => {
    if (rank !== 0 || saved === step) return;
    const state: TrainingState = {
      format: 'commonweights.tiny-lm/1',
      step,
      tokens,
      loss,
      hardwareFlop: String(hardwareFlop),
      rng: { algorithm: 'counter-mulberry32', seed: config.seed, nextStep: step + 1 },
      data: { sha256: corpus.sha256, bytes: corpus.bytes },
      parameters: parameters.length,
      worldSize,
      config: { ...config },
    };
    const { firstMoment, secondMoment } = optimizer;
    const dir = await writeCheckpoint(out.path, specs, { state, parameters, firstMoment, secondMoment });
    saved = step;
    out.emit({ type: 'checkpoint', step, tokens, loss, dir });
  };

  const shard = shardOf(config.batchSize, rank, worldSize);
  const chunk = chunkOf(config);
  const model = new Model(config, parameters, Math.min(chunk, shard.to - shard.from), makeFloat32);
  const gradients = model.gradients as Float32Array;
  const inputs = new Uint8Array(chunk * config.context);
  const targets = new Uint8Array(chunk * config.context);
  let drain = false;
  try {
    while (step < config.steps && !drain) {
      const startedMs = performance.now();
      const flopBefore = model.meter.flop;
      model.zeroGradients();
      let localLoss = 0;
      for (let from = shard.from; from < shard.to; from += chunk) {
        const to = Math.min(shard.to, from + chunk);
        const at = { seed: config.seed, step: step + 1, from, to, context: config.context };
        fillBatch(inputs, targets, corpus.tokens, at);
        localLoss += model.accumulate(inputs, targets, to - from, 1 / tokensPerStep);
        await nextTurn();
      }
      const totals = await collective.allReduce(step + 1, gradients, {
        loss: localLoss,
        flop: model.meter.flop - flopBefore,
        drain: out.drainRequested(),
      });
      step += 1;
      const { norm, learningRate } = optimizer.apply(parameters, gradients, step);
      tokens += tokensPerStep;
      loss = totals.loss / tokensPerStep;
      hardwareFlop += BigInt(totals.flop);
      drain = totals.drain;
      if (!Number.isFinite(loss)) throw new Error(`loss is ${loss} at step ${step}; lower the learning rate`);
      const stepMs = Math.round(performance.now() - startedMs);
      if (rank === 0) {
        const flop = String(hardwareFlop);
        out.emit({ type: 'step', step, loss, tokens, stepMs, hardwareFlop: flop, learningRate, gradientNorm: norm });
        if (step % 10 === 0 || step === 1)
          hooks.say(`step ${step}/${config.steps} loss ${loss.toFixed(4)} ${stepMs} ms`);
        if (step % config.checkpointEverySteps === 0) await saveCheckpoint();
      }
    }
    await saveCheckpoint();
    await collective.finish();
  } finally {
    collective.close();
  }
  if (drain && step < config.steps) {
    out.emit({ type: 'drained', step });
    return 'drained';
  }
  if (rank === 0) out.emit({ type: 'done', step, loss, tokens, hardwareFlop: String(hardwareFlop) });
  return 'done';
}

/** Two ranks with one fingerprint compute the same thing from here on. */
function fingerprint(config: TrainingConfig, corpus: Corpus, parameters: Float32Array, step: number): string {
  return createHash('sha256')
    .update(JSON.stringify({ config, data: corpus.sha256, step }))
    .update(new Uint8Array(parameters.buffer, parameters.byteOffset, parameters.byteLength))
    .digest('hex');
}
