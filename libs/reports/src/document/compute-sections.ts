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
  const all = BigInt(facts.microWh);
  const share = (part: string): string => (all === 0n ? '–' : percent(Number((BigInt(part) * 10_000n) / all)));
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
          ['All', energy(facts.microWh), share(facts.microWh)],
          ['Measured', energy(facts.measuredMicroWh), share(facts.measuredMicroWh)],
          ['Estimated', energy(facts.estimatedMicroWh), share(facts.estimatedMicroWh)],
        ],
      ),
      table(
        'Energy by method',
        [code('Method'), figure('Energy'), figure('Share')],
        facts.methods.map((m) => [m.method, energy(m.microWh), share(m.microWh)]),
        'No energy was reported.',
      ),
      table(
        'Energy by region',
        [name('Region'), figure('Energy'), figure('Share')],
        facts.regions.map((r) => [r.region, energy(r.microWh), share(r.microWh)]),
        'No energy was reported.',
      ),
    ],
  };
}

/** A label that fits beside a bar; the whole pseudonym is in the table. */
function shortened(label: string): string {
  return label.length > 20 ? `${label.slice(0, 19)}…` : label;
}
