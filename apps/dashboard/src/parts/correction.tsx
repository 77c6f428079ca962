/** A correction by two persons: the form that proposes it, and the record on which another decides. */
import type { CaseRecord, Correction } from '../api/reconciliation.shapes.js';
import { exact } from '../format/difference.js';
import { Field } from './form.js';
import { State } from './state.js';
import { StepButton } from './step-form.js';
import { When } from './who-when.js';

type Needed = NonNullable<CaseRecord['neededCorrection']>;

export function CorrectionForm(props: { needed: Needed; unit: string; path: string; typed: (name: string) => string }) {
  const { needed, unit } = props;
  return (
    <form method="post" action={props.path} class="form panel">
      <h3>Correct the books</h3>
      <p class="muted">
        {needed.isDebit ? 'Debits' : 'Credits'} <code class="hash">{needed.account}</code> by{' '}
        {exact(unit, needed.amountMinor)}. Another operator posts it.
      </p>
      <input type="hidden" name="do" value="propose" />
      <input type="hidden" name="account" value={needed.account} />
      <input type="hidden" name="side" value={needed.isDebit ? 'debit' : 'credit'} />
      <input type="hidden" name="amountMinor" value={needed.amountMinor} />
      <Field label={needed.isDebit ? 'Account to credit' : 'Account to debit'} id="correction-counter">
        <select name="counter">
          {needed.counterAccounts.map((code) => (
            <option key={code} value={code} selected={props.typed('counter') === code}>
              {code}
            </option>
          ))}
        </select>
      </Field>
      <Field label="Why it is right" id="correction-reason" hint="Name the reference there. No names of people.">
        <input name="reason" required maxLength={500} autoComplete="off" value={props.typed('reason')} />
      </Field>
      <p class="actions">
        <button class="button">Propose</button>
      </p>
    </form>
  );
}

export function CorrectionRecord(props: {
  of: Correction;
  me: string;
  name: (pseudonym: string) => string;
  path: string;
  now: number;
}) {
  const { of, name, path } = props;
  const isOwn = of.proposedBy === props.me;
  const amount = exact(of.unit, of.amountMinor);
  return (
    <article class="panel stack">
      <p class="actions">
        <State of={of.state} label={of.state === 'PROPOSED' ? 'Waits for a second person' : undefined} />
        <strong>{amount}</strong>
      </p>
      <dl class="facts">
        <div>
          <dt>Debit</dt>
          <dd class="code-path">{of.debit}</dd>
        </div>
        <div>
          <dt>Credit</dt>
          <dd class="code-path">{of.credit}</dd>
        </div>
        <div>
          <dt>Why</dt>
          <dd>{of.reason}</dd>
        </div>
        <div>
          <dt>Proposed</dt>
          <dd>
            by {name(of.proposedBy)} <When iso={of.proposedAt} now={props.now} />
          </dd>
        </div>
        {of.decidedAt && (
          <div>
            <dt>Decided</dt>
            <dd>
              {of.decidedBy ? `by ${name(of.decidedBy)} ` : 'the difference was gone '}
              <When iso={of.decidedAt} now={props.now} />
              {of.decidedNote && `: ${of.decidedNote}`}
            </dd>
          </div>
        )}
      </dl>
      {of.state === 'PROPOSED' && !isOwn && (
        <p class="actions recon-step">
          <StepButton action={path} step="approve" id={of.id} label="Post it" about={amount} tone="" />
        </p>
      )}
      {of.state === 'PROPOSED' && (
        <form method="post" action={path} class="inline-form">
          <input type="hidden" name="do" value={isOwn ? 'withdraw' : 'reject'} />
          <input type="hidden" name="id" value={of.id} />
          <Field label={isOwn ? 'Why you take it back' : 'Why not'} id={`decide-${of.id}`}>
            <input name="reason" required maxLength={500} autoComplete="off" />
          </Field>
          <button class="button quiet">{isOwn ? 'Withdraw' : 'Reject'}</button>
        </form>
      )}
      {of.state === 'PROPOSED' && isOwn && <p class="hint">You proposed it, so another operator has to post it.</p>}
    </article>
  );
}
