/** A round's rule in words, for somebody who has never heard of it. */
import { money } from '../format/amount.js';

export interface MatchTerms {
  rule: { kind: string; ratio?: string; bound?: string; unit?: string; connection?: string };
  unsaturated?: string;
  capPerProject?: string;
  capPerDonor?: string;
  minimumPerDonor?: string;
  defaultWeight?: string;
}

export const ruleNames: Record<string, string> = {
  linear: 'Linear',
  quadratic: 'Quadratic',
  capital_constrained: 'Capital-constrained',
  pairwise: 'Pairwise-bounded',
  cluster: 'Cluster',
  squared_cluster: 'Squared cluster',
  connection_oriented: 'Connection-oriented',
};

const explained: Record<string, string> = {
  linear: 'Every gift is matched in the same proportion, whoever gives it.',
  quadratic:
    'Many small gifts are matched higher than one large gift of the same sum: roots of the gifts are added, the sum is squared, and the gifts themselves are taken off.',
  capital_constrained: 'Quadratic, with all matches made smaller in the same proportion until the pool pays for them.',
  pairwise:
    'Every two people who give to the same campaign earn a match together. The more the two give together everywhere, the less their pair counts.',
  cluster: 'Gifts of people who belong to one group count as one voice; agreement across groups is what is matched.',
  squared_cluster: 'As cluster match, with less weight for people who belong to many groups.',
  connection_oriented:
    'Agreement between people who have nothing else in common is matched; between connected people, gifts count by their root only.',
};

export function MatchRuleFacts({ terms, currency }: { terms: MatchTerms; currency: string }) {
  const amount = (minor: string) => money({ amountMinor: minor, currency }, 'short');
  const { rule } = terms;
  const facts: [string, string][] = [];
  if (rule.kind === 'linear') facts.push(['Proportion', `${rule.ratio ?? '1'} for 1`]);
  if (rule.bound) facts.push(['A pair counts half at', amount(rule.bound)]);
  if (rule.kind === 'connection_oriented' && rule.connection) facts.push(['Connection', rule.connection]);
  facts.push([
    'What the matches leave over',
    terms.unsaturated === 'scale_up' ? 'is paid out too' : 'stays in the pool',
  ]);
  if (terms.capPerProject) facts.push(['The most for one campaign', amount(terms.capPerProject)]);
  if (terms.capPerDonor) facts.push(['Of one gift counts at most', amount(terms.capPerDonor)]);
  if (terms.minimumPerDonor) facts.push(['A donor counts from', amount(terms.minimumPerDonor)]);
  if (terms.defaultWeight && terms.defaultWeight !== '1')
    facts.push(['Without an identity score, a gift counts', `× ${terms.defaultWeight}`]);
  return (
    <>
      <p>{explained[rule.kind] ?? 'See the file of the round.'}</p>
      <dl class="terms">
        {facts.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}
