/** The promises of the platform by what they are about: what does not hold is open, the rest is one line each. */
import { Icon } from './mark.js';
import { plural } from '../format/moment.js';
import { words } from './state.js';

export interface PlatformPromise {
  name: string;
  description: string;
  ok: boolean;
  figures: { name: string; value: string }[];
}

export function Promises({ promises }: { promises: PlatformPromise[] }) {
  const groups = new Map<string, PlatformPromise[]>();
  for (const one of promises) {
    const about = one.name.split('.')[0] ?? one.name;
    groups.set(about, [...(groups.get(about) ?? []), one]);
  }
  return (
    <div class="promises">
      {[...groups].map(([about, all]) => {
        const broken = all.filter(({ ok }) => !ok);
        return (
          <details key={about} open={broken.length > 0}>
            <summary>
              <span class={`verdict ${broken.length > 0 ? 'bad' : 'good'}`}>
                <Icon name={broken.length > 0 ? 'cross' : 'check'} size={16} /> {words(about)}
              </span>
              <span class="muted">
                {broken.length > 0
                  ? `${broken.length} of ${plural(all.length, 'promise')} broken`
                  : `${plural(all.length, 'promise')} ${all.length === 1 ? 'holds' : 'hold'}`}
              </span>
            </summary>
            <ol class="checks">
              {[...broken, ...all.filter(({ ok }) => ok)].map((one) => (
                <li key={one.name} class={one.ok ? 'good' : 'bad'}>
                  <Icon name={one.ok ? 'check' : 'cross'} size={16} />
                  <span>
                    <strong>{one.description}</strong>
                    <small>{[one.name, ...one.figures.map(figureText)].join(' · ')}</small>
                  </span>
                </li>
              ))}
            </ol>
          </details>
        );
      })}
    </div>
  );
}

const figureText = ({ name, value }: { name: string; value: string }): string =>
  `${name.replaceAll('_', ' ')} ${value}`;
