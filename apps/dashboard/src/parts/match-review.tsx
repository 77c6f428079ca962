/** What does not count in a round, the appeals against it, and the steps of those who manage it. */
import type { UserError } from '../api/shapes.js';
import { date } from '../format/moment.js';
import { Field } from './form.js';
import { State } from './state.js';
import { StepPanel } from './step-form.js';

export interface Exclusion {
  id: string;
  kind: string;
  subject: string | null;
  reason: string;
  state: string;
  excludedAt: string;
  appeal: string | null;
  decision: string | null;
  viewerMayAppeal: boolean;
  viewerMayDecide: boolean;
}
interface Typed {
  path: string;
  form: URLSearchParams;
  errors: UserError[];
}

const kinds: Record<string, string> = { DONOR: 'A donor', GIFT: 'A gift', CAMPAIGN: 'A campaign' };

export function Exclusions({ exclusions, path, form, errors }: Typed & { exclusions: Exclusion[] }) {
  return (
    <section class="stack" aria-labelledby="out-head">
      <h2 id="out-head">What does not count</h2>
      {exclusions.length === 0 ? (
        <p class="muted">Everything that was given counts.</p>
      ) : (
        exclusions.map((one) => (
          <article key={one.id} class="stack" id={`exclusion-${one.id}`}>
            <p>
              <strong>{kinds[one.kind] ?? one.kind}</strong> <State of={one.state} /> since {date(one.excludedAt)}:{' '}
              {one.reason}
            </p>
            {one.subject && (
              <p class="fine">
                <code class="hash">{one.subject}</code>
              </p>
            )}
            {one.appeal && <p>Appeal: {one.appeal}</p>}
            {one.decision && <p>Decision: {one.decision}</p>}
            {one.viewerMayAppeal && (
              <StepPanel
                action={path}
                step="appeal"
                id={one.id}
                title="This is about you"
                label="Appeal"
                reason="What speaks against it"
                typed={form.get('id') === one.id ? (form.get('reason') ?? '') : ''}
                errors={form.get('id') === one.id ? errors : []}
              >
                You can appeal once. Somebody who did not exclude you decides, and what he says is public.
              </StepPanel>
            )}
            {one.viewerMayDecide && <Decide exclusion={one} path={path} form={form} errors={errors} />}
          </article>
        ))
      )}
    </section>
  );
}

function Decide({ exclusion, path, form }: Typed & { exclusion: Exclusion }) {
  const id = `decision-${exclusion.id}`;
  return (
    <form method="post" action={path} class="form panel">
      <h3>Decide the appeal</h3>
      <input type="hidden" name="id" value={exclusion.id} />
      <Field label="Why, for the public record" id={id}>
        <input
          name="reason"
          autoComplete="off"
          required
          value={form.get('id') === exclusion.id ? (form.get('reason') ?? '') : ''}
        />
      </Field>
      <p class="actions">
        <button class="button" name="do" value="lift">
          Lift the exclusion
        </button>
        <button class="button quiet" name="do" value="uphold">
          Uphold it
        </button>
      </p>
    </form>
  );
}

export function ExcludeForm({ path, form, errors }: Typed) {
  const isMine = form.get('do') === 'exclude';
  const mine = isMine ? errors : [];
  return (
    <form method="post" action={path} class="form panel">
      <h3>Exclude</h3>
      <p class="muted">The reason is public. Those concerned can appeal until the review is over.</p>
      <input type="hidden" name="do" value="exclude" />
      <Field label="What" id="exclude-kind">
        <select name="kind" value={form.get('kind') ?? 'DONOR'}>
          <option value="DONOR">A donor, by pseudonym</option>
          <option value="GIFT">A gift, by the id of its pledge</option>
          <option value="CAMPAIGN">A campaign, by its id</option>
        </select>
      </Field>
      <Field label="Which" id="exclude-subject" errors={mine}>
        <input name="subject" autoComplete="off" required value={isMine ? (form.get('subject') ?? '') : ''} />
      </Field>
      <Field label="Why" id="exclude-reason" errors={mine}>
        <input name="reason" autoComplete="off" required value={isMine ? (form.get('reason') ?? '') : ''} />
      </Field>
      <p class="actions">
        <button class="button">Exclude</button>
      </p>
    </form>
  );
}

export function RoundSteps({ state, path, form, errors }: Typed & { state: string }) {
  const isCancel = form.get('do') === 'cancel';
  return (
    <>
      {state === 'DRAFT' && (
        <StepPanel action={path} step="open" title="Open the round" label="Open" tone="cash">
          What it promises is set aside from its pool, and it appears to everybody. Its terms are fixed from then on.
        </StepPanel>
      )}
      {['DRAFT', 'OPEN', 'CLOSED', 'COMPUTED'].includes(state) && (
        <StepPanel
          action={path}
          step="cancel"
          title="Cancel the round"
          label="Cancel the round"
          tone="danger"
          reason="Why, for the public record"
          typed={isCancel ? (form.get('reason') ?? '') : ''}
          errors={isCancel ? errors : []}
        >
          What it promised goes back to its pool. It cannot be opened again.
        </StepPanel>
      )}
    </>
  );
}
