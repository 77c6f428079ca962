import { cloneElement, toChildArray, type ComponentChildren, type VNode } from 'preact';
import type { UserError } from '../api/shapes.js';
import { Notice } from './notice.js';

/** A labelled control with its hint tied to it. */
export function Field(props: { label: string; hint?: ComponentChildren; children: VNode; id?: string }) {
  const control = toChildArray(props.children)[0] as VNode<{ name?: string; id?: string }>;
  const id =
    props.id ?? control.props.id ?? `field-${control.props.name ?? props.label.toLowerCase().replace(/\W+/g, '-')}`;
  return (
    <div class="field-row">
      <label for={id}>{props.label}</label>
      {cloneElement(control, { id, ...(props.hint ? { 'aria-describedby': `${id}-hint` } : {}) } as object)}
      {props.hint && (
        <p class="hint" id={`${id}-hint`}>
          {props.hint}
        </p>
      )}
    </div>
  );
}

/** What the API refused, with what would be right. */
export function UserErrors({ errors }: { errors: Pick<UserError, 'message' | 'hint' | 'code'>[] }) {
  if (errors.length === 0) return null;
  return (
    <Notice tone="bad" title="That did not work" live>
      <ul>
        {errors.map((error) => (
          <li key={error.code}>
            {error.message} {error.hint}
          </li>
        ))}
      </ul>
    </Notice>
  );
}

/** Text to copy: a token, a command. Shown once where it is a secret. */
export function Secret(props: { id: string; text: string }) {
  return (
    <div class="secret">
      <pre id={props.id} tabIndex={0} aria-label="Text to copy">
        {props.text}
      </pre>
      <button type="button" class="button small quiet" data-copy={props.id}>
        Copy
      </button>
    </div>
  );
}
