import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { stateDiagram } from '#campaigns';

const ROOT = join(import.meta.dirname, '..');

/** Rooms that money goes through, in the order in which it does. */
const ROOMS = ['campaigns', 'pledges', 'payments', 'disbursements', 'matching', 'reconciliation'] as const;

export const BEGIN = '<!-- diagrams: begin -->';
export const END = '<!-- diagrams: end -->';

interface Drawn {
  readonly title: string;
  readonly file: string;
  readonly diagram: string;
}

type Steps = Readonly<Record<string, readonly string[]>>;

/**
 * Every state machine of the rooms of funding, found by the names of files and exports: `*Machine` holds steps with their
 * events, `*_TRANSITIONS` just where each state leads. A machine that is added shows up by itself.
 */
export async function fundingDiagrams(): Promise<string> {
  const drawn: Drawn[] = [];
  for (const room of ROOMS) for (const file of machineFiles(room)) drawn.push(...(await machinesIn(file)));
  return drawn
    .map(({ title, file, diagram }) => `## ${title}\n\n\`${file}\`\n\n\`\`\`mermaid\n${diagram}\n\`\`\``)
    .join('\n\n');
}

function machineFiles(room: string): string[] {
  const folder = join(ROOT, 'libs', room, 'src');
  try {
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    return names
      .filter(
        (name) => name.endsWith('.machine.ts') && !name.endsWith('.spec.ts') && !name.endsWith('state-machine.rule.ts'),
      )
      .sort()
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}

async function machinesIn(path: string): Promise<Drawn[]> {
  const file = relative(ROOT, path);
  const exported = (await import(path)) as Record<string, unknown>;
  return Object.entries(exported).flatMap(([name, value]): Drawn[] => {
    if (name.endsWith('Machine')) {
      return [{ title: words(name.slice(0, -'Machine'.length)), file, diagram: stateDiagram(value as never) }];
    }
    if (name.endsWith('_TRANSITIONS')) {
      return [
        { title: words(name.slice(0, -'_TRANSITIONS'.length).toLowerCase()), file, diagram: ofSteps(value as Steps) },
      ];
    }
    return [];
  });
}

/** `pledgePlan`, `refund_case` → `Pledge plan`, `Refund case`. */
function words(name: string): string {
  const text = name
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .replaceAll('_', ' ')
    .toLowerCase();
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function ofSteps(steps: Steps): string {
  const states = Object.keys(steps);
  return [
    'stateDiagram-v2',
    `  [*] --> ${states[0] ?? ''}`,
    ...states.flatMap((from) => (steps[from] ?? []).map((to) => `  ${from} --> ${to}`)),
    ...states.filter((state) => steps[state]?.length === 0).map((state) => `  ${state} --> [*]`),
  ].join('\n');
}
