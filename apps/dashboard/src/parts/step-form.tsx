/** One step that a person takes with one button, and with a reason where the record has to say why. */
import type { ComponentChildren } from 'preact';
import type { UserError } from '../api/shapes.js';
import { Field, UserErrors } from './form.js';

interface Props {
  action: string;
  step: string;
  label: string;
  id?: string | undefined;
  tone?: string;
}

/** A button in a list, naming what it acts on for those who hear the page. */
export function StepButton(props: Props & { about: string }) {
  return (
    <form method="post" action={props.action} class="inline">
      <input type="hidden" name="do" value={props.step} />
      {props.id && <input type="hidden" name="id" value={props.id} />}
      <button class={`button small ${props.tone ?? 'quiet'}`} aria-label={`${props.label}: ${props.about}`}>
        {props.label}
      </button>
    </form>
  );
}

/** A step in a panel of its own, with what it does; `reason` asks for a sentence that stays on record. */
export function StepPanel(
  props: Props & {
    title: string;
    children: ComponentChildren;
    reason?: string;
    typed?: string;
    errors?: UserError[];
  },
) {
  const errors = props.errors ?? [];
  return (
    <form method="post" action={props.action} class="form panel">
      <h3>{props.title}</h3>
      <UserErrors errors={errors} fields={props.reason ? ['reason'] : []} />
      <p class="muted">{props.children}</p>
      <input type="hidden" name="do" value={props.step} />
      {props.id && <input type="hidden" name="id" value={props.id} />}
      {props.reason && (
        <Field label={props.reason} id={`reason-${props.step}-${props.id ?? ''}`} errors={errors}>
          <input name="reason" autoComplete="off" value={props.typed ?? ''} />
        </Field>
      )}
      <p class="actions">
        <button class={`button ${props.tone ?? ''}`}>{props.label}</button>
      </p>
    </form>
  );
}
