import type { ComponentChildren } from 'preact';

/**
 * A part of a page that a script takes over. Its data travels as JSON that no browser executes; `<` is escaped so that no value
 * can end the element early.
 */
export function Island(props: { name: string; data: unknown; children: ComponentChildren }) {
  return (
    <div data-island={props.name}>
      <script
        type="application/json"
        dangerouslySetInnerHTML={{ __html: JSON.stringify(props.data).replaceAll('<', '\\u003c') }}
      />
      <div data-island-root>{props.children}</div>
    </div>
  );
}
