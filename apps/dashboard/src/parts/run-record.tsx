/** What a run leaves behind: checkpoints to take home, and who gave what. */
import type { Checkpoint, Usage } from '../api/shapes.js';
import { bytes, decimal, engineering, gpuSeconds, gpuTime, integer } from '../format/amount.js';
import { Icon } from './mark.js';
import { Empty } from './notice.js';
import { nameOf, When } from './who-when.js';
import { words } from './state.js';

export function Checkpoints({ checkpoints, now }: { checkpoints: Checkpoint[]; now: number }) {
  if (checkpoints.length === 0)
    return <Empty title="No checkpoint yet">The first is kept after a number of steps that the recipe names.</Empty>;
  return (
    <ul class="checkpoints">
      {checkpoints.map((checkpoint, at) => (
        <li key={checkpoint.id}>
          <p class="checkpoint-head">
            <strong>Step {integer(checkpoint.step)}</strong>
            {checkpoint.loss !== null && <span>loss {Number(checkpoint.loss).toFixed(3)}</span>}
            <span>{engineering(checkpoint.tokens)} tokens</span>
            {checkpoint.promotedAt ? (
              <When iso={checkpoint.promotedAt} now={now} />
            ) : (
              <span>{words(checkpoint.state)}</span>
            )}
          </p>
          {at === 0 ? (
            <Files checkpoint={checkpoint} />
          ) : (
            <details class="alternative">
              <summary>Files</summary>
              <Files checkpoint={checkpoint} />
            </details>
          )}
        </li>
      ))}
    </ul>
  );
}

function Files({ checkpoint }: { checkpoint: Checkpoint }) {
  return (
    <p class="files">
      {checkpoint.files.map((file) => {
        const name = (
          <>
            {file.path.split('/').at(-1)} <small>{bytes(file.bytes)}</small>
          </>
        );
        return file.downloadUrl ? (
          <a key={file.path} class="file" href={file.downloadUrl} download title={`SHA-256 ${file.sha256}`}>
            <Icon name="download" size={14} /> {name}
          </a>
        ) : (
          <span key={file.path} class="file">
            {name}
          </span>
        );
      })}
    </p>
  );
}

interface Given {
  name: string;
  node: string;
  class: string;
  delivered: bigint;
  accepted: bigint;
  tokens: bigint;
  energy: bigint;
  methods: Set<string>;
  settled: boolean;
}

/** Usage comes a line a lease; people ask who gave how much with which machine. */
function perNode(usage: Usage[]): Given[] {
  const given = new Map<string, Given>();
  for (const line of usage) {
    const name = nameOf(line.contributor);
    const key = `${line.node?.id ?? name} ${line.class}`;
    const sum = given.get(key) ?? {
      name,
      node: line.node?.name ?? '–',
      class: line.class,
      delivered: 0n,
      accepted: 0n,
      tokens: 0n,
      energy: 0n,
      methods: new Set<string>(),
      settled: true,
    };
    sum.delivered += BigInt(line.delivered.milliseconds);
    sum.accepted += BigInt(line.accepted?.milliseconds ?? '0');
    sum.tokens += BigInt(line.tokens ?? '0');
    sum.energy += BigInt(line.energyMicroWh ?? '0');
    if (line.energyMethod) sum.methods.add(words(line.energyMethod));
    sum.settled &&= line.accepted !== null;
    given.set(key, sum);
  }
  return [...given.values()];
}

export function UsageTable({ usage }: { usage: Usage[] }) {
  if (usage.length === 0)
    return <Empty title="Nothing settled yet">Each node’s time is settled when its lease ends.</Empty>;
  return (
    <div class="scroll">
      <table class="table stacked">
        <thead>
          <tr>
            <th scope="col">Donor</th>
            <th scope="col">Node</th>
            <th scope="col" class="num">
              Delivered
            </th>
            <th scope="col" class="num">
              Accepted
            </th>
            <th scope="col" class="num">
              Tokens
            </th>
            <th scope="col" class="num">
              Energy
            </th>
          </tr>
        </thead>
        <tbody>
          {perNode(usage).map((line) => {
            const time = (milliseconds: bigint) => ({ milliseconds: milliseconds.toString(), class: line.class });
            return (
              <tr key={`${line.name} ${line.node}`}>
                <th scope="row">{line.name}</th>
                <td data-label="Node">{line.node}</td>
                <td data-label="Delivered" class="num" title={gpuSeconds(time(line.delivered))}>
                  {gpuTime(time(line.delivered))}
                </td>
                <td data-label="Accepted" class="num" title={gpuSeconds(time(line.accepted))}>
                  {line.settled || line.accepted > 0n ? gpuTime(time(line.accepted)) : 'not settled'}
                </td>
                <td data-label="Tokens" class="num">
                  {engineering(line.tokens)}
                </td>
                <td data-label="Energy" class="num" title={[...line.methods].join(', ')}>
                  {decimal(line.energy, 6, 2)} Wh
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
