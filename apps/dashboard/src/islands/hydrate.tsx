import { hydrate, type ComponentType } from 'preact';

/** Wakes every island of this name with the data that the server drew it from. */
export function wake<P extends object>(name: string, Component: ComponentType<P>): void {
  for (const element of document.querySelectorAll(`[data-island="${name}"]`)) {
    const data = element.querySelector('script[type="application/json"]')?.textContent;
    const root = element.querySelector('[data-island-root]');
    if (data && root) hydrate(<Component {...(JSON.parse(data) as P)} />, root);
  }
}
