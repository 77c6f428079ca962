/** The programs that agents can launch, with the settings that each declares for itself. */
import tinyLm from '../../../../workloads/tiny-lm/workload.json';
import tinyLmTorch from '../../../../workloads/tiny-lm-torch/workload.json';

export interface Workload {
  name: string;
  driver: string;
  description: string;
  defaults: Record<string, string | number>;
}
export const workloads: Workload[] = [tinyLm, tinyLmTorch];

/** Shown first; what is left stands under "More settings". */
export const mainSettings = ['steps', 'batchSize', 'context', 'layers', 'dModel', 'heads', 'learningRate', 'seed'];
/** The recipe has a field of its own for it, and both must say the same. */
export const ownField = 'checkpointEverySteps';

/**
 * What the settings of the two workloads come to: parameters are those of their README's transformer with tied
 * embeddings, tokens are steps × sequences × length. Null where a setting is no number.
 */
export function sizeOf(settings: Record<string, unknown>): { parameters: bigint; tokens: bigint } | null {
  const [layers, d, context, vocab, batch, steps] = ['layers', 'dModel', 'context', 'vocab', 'batchSize', 'steps'].map(
    (name) => settings[name],
  );
  const all = [layers, d, context, vocab, batch, steps];
  if (!all.every((value) => typeof value === 'number' && Number.isSafeInteger(value) && value > 0)) return null;
  const [l, w, c, v, b, s] = all.map((value) => BigInt(value as number)) as [
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
  ];
  return { parameters: (v + c) * w + l * (12n * w * w + 2n * w) + w, tokens: s * b * c };
}

/** Typed settings with the types of the defaults; the names of those that are no number. */
export function readSettings(
  workload: Workload,
  typed: (name: string) => string | null,
): { settings: Record<string, string | number>; wrong: string[] } {
  const settings: Record<string, string | number> = {};
  const wrong: string[] = [];
  for (const [name, standard] of Object.entries(workload.defaults)) {
    const text = typed(name)?.trim();
    if (text === undefined) settings[name] = standard;
    else if (typeof standard === 'string') settings[name] = text;
    else if (/^-?\d{1,15}(\.\d{1,12})?(e-?\d{1,3})?$/i.test(text)) settings[name] = Number(text);
    else wrong.push(name);
  }
  return { settings, wrong };
}
