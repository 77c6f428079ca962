import { cloneElement, toChildArray, type ComponentChildren, type VNode } from 'preact';
import type { UserError } from '../api/shapes.js';
import { Notice } from './notice.js';

type Refusal = Pick<UserError, 'code' | 'message' | 'hint'> & Partial<UserError>;

/** The input field that a refusal speaks of: the last name of its path. */
const fieldOf = (error: Refusal): string | null => error.path?.at(-1) ?? null;

/**
 * A labelled control with its hint tied to it. Refusals whose path names the control are shown below it and mark it
 * invalid, so that a reader of the page and a screen reader find them where the mistake is.
 */
export function Field(props: {
  label: string;
  hint?: ComponentChildren;
  children: VNode;
  id?: string;
  errors?: UserError[];
}) {
  const control = toChildArray(props.children)[0] as VNode<{ name?: string; id?: string }>;
  const id =
    props.id ?? control.props.id ?? `field-${control.props.name ?? props.label.toLowerCase().replace(/\W+/g, '-')}`;
  const mine = (props.errors ?? []).filter((error) => fieldOf(error) === control.props.name);
  const described = [mine.length > 0 && `${id}-error`, props.hint && `${id}-hint`].filter(Boolean).join(' ');
  return (
    <div class="field-row">
      <label for={id}>{props.label}</label>
      {cloneElement(control, {
        id,
        ...(described ? { 'aria-describedby': described } : {}),
        ...(mine.length > 0 ? { 'aria-invalid': 'true' } : {}),
      } as object)}
      {mine.length > 0 && (
        <p class="field-error" id={`${id}-error`}>
          {mine.map((error) => sentence(error)).join(' ')}
        </p>
      )}
      {props.hint && (
        <p class="hint" id={`${id}-hint`}>
          {props.hint}
        </p>
      )}
    </div>
  );
}

const sentence = (error: Refusal): string => [error.message, error.detail, error.hint].filter(Boolean).join(' ');

/**
 * What the API refused, with what would be right. Refusals that stand at one of `fields` are only counted here; all
 * others are said in full.
 */
export function UserErrors({ errors, fields = [] }: { errors: Refusal[]; fields?: readonly string[] }) {
  if (errors.length === 0) return null;
  const here = errors.filter((error) => !fields.includes(fieldOf(error) ?? ''));
  const below = errors.length - here.length;
  return (
    <Notice tone="bad" title="That did not work" live>
      {below > 0 && (
        <p>{below === 1 ? 'One field below needs another look.' : `${below} fields below need another look.`}</p>
      )}
      {here.length > 0 && (
        <ul>
          {here.map((error) => (
            <li key={error.code}>{sentence(error)}</li>
          ))}
        </ul>
      )}
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
