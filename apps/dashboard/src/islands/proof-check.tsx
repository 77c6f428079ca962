/**
 * Checks a report in the reader's own browser: the file as it is downloaded, its signature, the log's checkpoint, the proof of every
 * cited event, and each figure worked out again from those events. The server is not asked whether it is right.
 */
import { useState } from 'preact/hooks';
import { gpuTime, integer, money } from '../format/amount.js';
import { Icon } from '../parts/mark.js';
import { Notice } from '../parts/notice.js';

export interface ProofCheckProps {
  jsonUrl: string;
  verifierUrl: string | null;
  sha256: string;
  keyUrl: string;
}
interface Check {
  name: string;
  ok: boolean;
  detail: string;
}
interface Facts {
  money: {
    currency: string;
    capturedMinor: string;
    feesMinor: string;
    refundedMinor: string;
    disputedMinor: string;
    balanceMinor: string;
  };
  compute: { totals: { class: string; deliveredMs: string; acceptedMs: string }[]; donors: unknown[] };
  training: { steps: string | null; firstLoss: number | null; finalLoss: number | null; checkpoints: unknown[] };
  events: unknown[];
}
interface Verifier {
  verifyReport: (json: string, key?: string) => Promise<Verification>;
}
interface Verification {
  ok: boolean;
  checks: Check[];
  signed?: { report: { facts: Facts; log: { size: number } } };
}

const names: Record<string, string> = {
  form: 'The file is complete and in canonical form',
  key: 'The key is known',
  signature: 'The signature is by that key',
  checkpoint: 'The log signed its state',
  'known checkpoint': 'The log shows this reader the same history',
  inclusion: 'Every cited event is in the log',
  figures: 'Every figure follows from those events',
};

const faults: Record<string, string> = {
  form: 'The file is damaged or in another form',
  key: 'The key can’t be read',
  signature: 'The signature does not fit',
  checkpoint: 'The log’s signed state does not fit',
  'known checkpoint': 'The log shows this reader another history',
  inclusion: 'An event that it cites is not in the log',
  figures: 'A figure does not follow from the events',
};

export function ProofCheck(props: ProofCheckProps) {
  const [key, setKey] = useState('');
  const [busy, setBusy] = useState(false);
  const [result, setResult] = useState<Verification | null>(null);
  const [problem, setProblem] = useState('');

  const run = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setProblem('');
    setResult(null);
    try {
      const [{ verifyReport }, response, logKey] = await Promise.all([
        import(/* @vite-ignore */ props.verifierUrl ?? '') as Promise<Verifier>,
        fetch(props.jsonUrl),
        fetch(props.keyUrl).then((answer) => (answer.ok ? answer.text() : '')),
      ]);
      if (!response.ok) throw new Error(`The report could not be downloaded (${response.status}).`);
      setResult(await verifyReport(await response.text(), key.trim() || logKey.trim() || undefined));
    } catch (error) {
      setProblem((error as Error).message);
    }
    setBusy(false);
  };

  return (
    <div class="form panel">
      <form class="form" onSubmit={run}>
        <div class="field-row">
          <label for="trusted-key">Key that you trust</label>
          <input
            id="trusted-key"
            class="mono"
            autoComplete="off"
            spellcheck={false}
            placeholder="taken from this site when empty"
            aria-describedby="trusted-key-hint"
            value={key}
            onInput={(event) => setKey(event.currentTarget.value)}
          />
          <p class="hint" id="trusted-key-hint">
            Best got elsewhere: a site that checks itself proves less.
          </p>
        </div>
        <p class="actions">
          <button class="button" disabled={busy || !props.verifierUrl}>
            <Icon name="seal" /> {busy ? 'Checking…' : 'Check it in this browser'}
          </button>
        </p>
      </form>
      {problem && (
        <Notice tone="bad" title="The check could not be made" live>
          {problem}
        </Notice>
      )}
      {result && (
        <div class="proof" role="status">
          <p class={`verdict ${result.ok ? 'good' : 'bad'}`}>
            <Icon name={result.ok ? 'check' : 'cross'} size={20} />
            {result.ok ? 'The report holds. All checks passed.' : 'The report does not hold.'}
          </p>
          <ol class="checks">
            {result.checks.map((check) => (
              <li key={check.name} class={check.ok ? 'good' : 'bad'}>
                <Icon name={check.ok ? 'check' : 'cross'} size={16} />
                <span>
                  <strong>{check.ok ? (names[check.name] ?? check.name) : (faults[check.name] ?? check.name)}</strong>
                  <small>{check.detail}</small>
                </span>
              </li>
            ))}
          </ol>
          {result.ok && result.signed && <ProvenFigures facts={result.signed.report.facts} />}
        </div>
      )}
    </div>
  );
}

function ProvenFigures({ facts }: { facts: Facts }) {
  const dollars = (amountMinor: string) => money({ amountMinor, currency: facts.money.currency || 'USD' });
  const rows: [string, string][] = [
    ['Captured', dollars(facts.money.capturedMinor)],
    ['Refunded', dollars(facts.money.refundedMinor)],
    ['Disputed', dollars(facts.money.disputedMinor)],
    ['Fees', dollars(facts.money.feesMinor)],
    ['Balance', dollars(facts.money.balanceMinor)],
    ...facts.compute.totals.map((total): [string, string] => [
      `Compute, ${total.class}`,
      `${gpuTime({ milliseconds: total.acceptedMs, class: total.class })} accepted of ${gpuTime({ milliseconds: total.deliveredMs, class: total.class })} delivered`,
    ]),
    ['Donors', String(facts.compute.donors.length)],
    ['Steps', facts.training.steps === null ? '–' : integer(facts.training.steps)],
    [
      'Loss',
      facts.training.finalLoss === null
        ? '–'
        : `${facts.training.firstLoss?.toFixed(3)} → ${facts.training.finalLoss.toFixed(3)}`,
    ],
    ['Checkpoints', String(facts.training.checkpoints.length)],
    ['Events cited', integer(facts.events.length)],
  ];
  return (
    <>
      <h3>What it proves</h3>
      <dl class="facts">
        {rows.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}
