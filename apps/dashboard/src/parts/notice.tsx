import type { ComponentChildren } from 'preact';

export type Tone = 'info' | 'good' | 'warn' | 'bad';

/** A message with a title; `live` announces it to screen readers when it appears. */
export function Notice(props: { tone: Tone; title?: string; children?: ComponentChildren; live?: boolean }) {
  return (
    <div class={`notice ${props.tone}`} role={props.live ? (props.tone === 'bad' ? 'alert' : 'status') : undefined}>
      {props.title && <p class="notice-title">{props.title}</p>}
      {props.children && <div>{props.children}</div>}
    </div>
  );
}

export function Empty(props: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{props.title}</p>
      {props.children && <p>{props.children}</p>}
    </div>
  );
}
