import type { LiveState } from './live.client.js';

const labels: Record<LiveState, string> = {
  connecting: '',
  live: 'Live',
  polling: 'Updated every few seconds',
  offline: 'Offline, trying again',
};

/** Keeps its place while empty, so that nothing moves when the connection is up. */
export function LiveSign({ state }: { state: LiveState }) {
  return (
    <span class={`live-sign ${state}`} role="status">
      {labels[state]}
    </span>
  );
}
