import { largestRemainder } from '#kernel';
import type { ComputeFacts, EnergyFacts, FlopFacts } from '../domain/compute-facts.js';
import type { RunFacts } from '../domain/run-report.js';
import { barChart } from './charts.js';
import type { Block, Section } from './document.js';
import { count, energy, percent, scientific, seconds } from './figure-text.js';
import { code, figure, name, table, words } from './tables.js';

export function computeSection(facts: ComputeFacts, goal: RunFacts['goal']): Section {
  const goalText =
    goal.computeMs === null ? '' : ` The goal was ${seconds(goal.computeMs)} of class ${goal.class ?? 'not stated'}.`;
  const drawing: Block[] =
    facts.donors.length === 0
      ? []
      : [
          barChart({
            title: 'Accepted compute per donor',
            description: facts.donors
              .map((donor) => `${donor.contributor}: ${seconds(donor.acceptedMs)} of ${donor.class}`)
              .join('; '),
            bars: facts.donors.map((donor) => ({
              label: shortened(donor.contributor),
              value: BigInt(donor.acceptedMs),
              text: seconds(donor.acceptedMs),
              tone: 'accent',
            })),
          }),
        ];
  return {
    id: 'compute',
    title: 'Compute per donor',
    blocks: [
      {
        kind: 'paragraph',
        text: `Accelerator time, counted by the server's clock from the grant of a lease to its end. Delivered is what a lease lasted; accepted is the part that evidence (promoted checkpoints) stands for.${goalText}`,
      },
      ...drawing,
      table(
        'Donors',
        [
          name('Donor (pseudonym)'),
          words('Class'),
          figure('Delivered'),
          figure('Accepted'),
          figure('Share of accepted'),
          figure('Tokens'),
        ],
        facts.donors.map((d) => [
          d.contributor,
          d.class,
          seconds(d.deliveredMs),
          seconds(d.acceptedMs),
          percent(d.shareBasisPoints),
          count(d.tokens),
        ]),
        'No usage has been settled yet.',
      ),
      table(
        'Totals by class',
        [name('Class'), figure('Offered'), figure('Delivered'), figure('Accepted')],
        [...new Set([...facts.offeredMs.map((o) => o.class), ...facts.totals.map((t) => t.class)])].map((gpuClass) => {
          const total = facts.totals.find((t) => t.class === gpuClass);
          const offered = facts.offeredMs.find((o) => o.class === gpuClass);
          return [
            gpuClass,
            seconds(offered?.milliseconds ?? '0'),
            seconds(total?.deliveredMs ?? '0'),
            seconds(total?.acceptedMs ?? '0'),
          ];
        }),
        'No compute has been offered.',
      ),
    ],
  };
}

export function flopSection(facts: FlopFacts): Section {
  const verdict = { true: 'yes', false: 'no', null: 'not known' }[
    String(facts.within30Percent) as 'true' | 'false' | 'null'
  ];
  return {
    id: 'flop',
    title: 'Training compute (FLOP)',
    blocks: [
      {
        kind: 'paragraph',
        text: 'Counted by both methods of the European Commission’s guidelines of 18 July 2025: by architecture (6 × parameters × tokens) and by hardware (operations that the devices performed, as the workload counted them). Operations count alike whatever their number format; work that no evidence stands for is left out.',
      },
      table(
        'Floating-point operations',
        [name('Item'), figure('Figure', 3), figure('Exact', 4)],
        [
          ['Architecture method', scientific(facts.model), facts.model],
          ['Hardware method', scientific(facts.hardware), facts.hardware],
          ['Hardware / architecture', facts.ratio ?? 'not known', facts.ratio ?? 'not known'],
          ['Within 30 % of each other', verdict, verdict],
        ],
      ),
    ],
  };
}

export function energySection(facts: EnergyFacts): Section {
  const split = shares([facts.measuredMicroWh, facts.estimatedMicroWh]);
  const ofMethods = shares(facts.methods.map((method) => method.microWh));
  const ofRegions = shares(facts.regions.map((region) => region.microWh));
  return {
    id: 'energy',
    title: 'Energy',
    blocks: [
      {
        kind: 'paragraph',
        text: 'Electricity of the leased devices while their leases lasted, without cooling, network or the rest of the machine. Measured means read from the device; everything else is an estimate by the method named.',
      },
      table(
        'Energy',
        [name('Item'), figure('Energy'), figure('Share')],
        [
          ['All', energy(facts.microWh), facts.microWh === '0' ? '–' : '100.00 %'],
          ['Measured', energy(facts.measuredMicroWh), split[0] ?? '–'],
          ['Estimated', energy(facts.estimatedMicroWh), split[1] ?? '–'],
        ],
      ),
      table(
        'Energy by method',
        [code('Method'), figure('Energy'), figure('Share')],
        facts.methods.map((m, i) => [m.method, energy(m.microWh), ofMethods[i] ?? '–']),
        'No energy was reported.',
      ),
      table(
        'Energy by region',
        [name('Region'), figure('Energy'), figure('Share')],
        facts.regions.map((r, i) => [r.region, energy(r.microWh), ofRegions[i] ?? '–']),
        'No energy was reported.',
      ),
    ],
  };
}

/** Parts of their own sum that add up to 100.00 % exactly; dashes when there is nothing to share. */
function shares(parts: readonly string[]): string[] {
  const amounts = parts.map(BigInt);
  if (amounts.every((amount) => amount === 0n)) return parts.map(() => '–');
  return largestRemainder(10_000n, amounts).map((share) => percent(Number(share)));
}

/** A label that fits beside a bar; the whole pseudonym is in the table. */
function shortened(label: string): string {
  return label.length > 20 ? `${label.slice(0, 19)}…` : label;
}
