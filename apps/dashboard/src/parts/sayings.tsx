/** The trail of one difference: every movement of its subject, side by side, with the sum of each side. */
import type { CaseRecord, Saying } from '../api/reconciliation.shapes.js';
import { exact } from '../format/difference.js';
import { date, dateTime, plural } from '../format/moment.js';
import { words } from './state.js';

const NAMES: Record<Saying['side'], string> = {
  LEDGER: 'Ledger',
  PROCESSOR: 'Processor',
  BANK: 'Bank',
  METER: 'Meters',
};

export function Sayings({ record }: { record: CaseRecord }) {
  const { unit } = record.reconciliationCase;
  const sides = (Object.keys(NAMES) as Saying['side'][])
    .map((side) => ({ side, sayings: record.sayings.filter((each) => each.side === side) }))
    .filter(({ side, sayings }) => sayings.length > 0 || side === 'LEDGER');
  return (
    <section class="stack" aria-labelledby="sayings-head">
      <h2 id="sayings-head">What each side says</h2>
      <div class="panels">
        {sides.map(({ side, sayings }) => (
          <div class="panel" key={side}>
            <h3 class="panel-head">{NAMES[side]}</h3>
            {sayings.length === 0 ? (
              <p class="muted">Nothing of it.</p>
            ) : (
              <>
                {side !== 'METER' && (
                  <p class="figure">
                    <strong>{exact(unit, sum(sayings))}</strong> {plural(sayings.length, 'movement')}
                  </p>
                )}
                <ul class="rows">
                  {sayings.map((each, at) => (
                    <li key={at}>
                      <span class="rows-main">{side === 'BANK' ? each.what : words(each.what)}</span>
                      <span class="rows-amount">{exact(unit, each.amount)}</span>
                      <span class="rows-when">
                        {each.account ? (
                          <a class="code-path" href={`/ledger/${encodeURIComponent(each.account)}`}>
                            {each.reference}
                          </a>
                        ) : (
                          <span class="code-path">{each.reference}</span>
                        )}{' '}
                        · {side === 'BANK' ? date(each.at) : dateTime(each.at)}
                        {each.fee !== null && each.fee !== '0' && ` · fee ${exact(unit, each.fee)}`}
                      </span>
                    </li>
                  ))}
                </ul>
              </>
            )}
          </div>
        ))}
      </div>
    </section>
  );
}

/** What is left of the processor's movements is less its fees: that is what the balance has. */
const sum = (sayings: readonly Saying[]): bigint =>
  sayings.reduce((total, each) => total + BigInt(each.amount) - BigInt(each.fee ?? 0), 0n);
