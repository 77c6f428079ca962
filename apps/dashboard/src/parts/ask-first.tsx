import type { ComponentChildren } from 'preact';

/**
 * A step that can't be taken back: its first press says what it does, its second does it. Without a script, by the
 * browser's own disclosure.
 */
export function AskFirst(props: {
  action: string;
  step: string;
  id: string;
  /** What the first press says. */
  label: string;
  /** What it is about, for those who hear the page. */
  about: string;
  /** What the second press says. */
  confirm: string;
  children: ComponentChildren;
}) {
  return (
    <details class="ask">
      <summary aria-label={`${props.label}: ${props.about}`}>{props.label}</summary>
      <form method="post" action={props.action} class="ask-box">
        <input type="hidden" name="do" value={props.step} />
        <input type="hidden" name="id" value={props.id} />
        <p>{props.children}</p>
        <button class="button small danger">{props.confirm}</button>
      </form>
    </details>
  );
}
