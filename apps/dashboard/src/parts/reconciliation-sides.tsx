/** The sides of reconciliation in figures: what each says, and what is left between them. */
import type { ComponentChildren } from 'preact';
import type { Figures, GpuFigures, Status } from '../api/reconciliation.shapes.js';
import { gpuSeconds, money, type Money } from '../format/amount.js';
import { exact, signed } from '../format/difference.js';
import { plural } from '../format/moment.js';
import { Icon } from './mark.js';
import { When } from './who-when.js';

/** One line for everybody: whether all sides agree, how far they were read, and what is open. */
export function StatusLine({ status, now }: { status: Status; now: number }) {
  const cases = status.openDifferences.reduce((sum, each) => sum + each.cases, 0);
  const agrees = cases === 0;
  const explained = status.explainedCases;
  return (
    <section class="panel recon-status" aria-labelledby="status-head">
      <h2
        id="status-head"
        class={`verdict ${status.comparedAt === null || (agrees && explained > 0) ? 'idle' : agrees ? 'good' : 'bad'}`}
      >
        {status.comparedAt !== null && <Icon name={agrees ? 'check' : 'cross'} size={20} />}
        {status.comparedAt === null
          ? 'Not compared yet'
          : agrees
            ? explained === 0
              ? 'All sides agree, to the unit'
              : `Nothing is open; ${plural(explained, 'difference')} explained`
            : `${plural(cases, 'difference')} open`}
      </h2>
      {!agrees && (
        <p>
          {status.openDifferences
            .map((each) => `${exact(each.unit, each.difference)} in ${plural(each.cases, 'case')}`)
            .join(' · ')}
          {status.oldestOpenedAt && (
            <>
              , the oldest found <When iso={status.oldestOpenedAt} now={now} />
            </>
          )}
          .
        </p>
      )}
      <dl class="recon-until">
        <Until label="Compared" iso={status.comparedAt} now={now} />
        <Until label="Processor read until" iso={status.processorReadUntil} now={now} />
        <Until label="Missed events fetched until" iso={status.eventsBackfilledUntil} now={now} />
      </dl>
    </section>
  );
}

function Until({ label, iso, now }: { label: string; iso: string | null; now: number }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{iso ? <When iso={iso} now={now} /> : 'not yet'}</dd>
    </div>
  );
}

const difference = (own: Money, theirs: Money): bigint => BigInt(own.amountMinor) - BigInt(theirs.amountMinor);

/** Ledger, processor and bank beside each other, with the difference in the last column. */
export function Sides({ figures }: { figures: Figures }) {
  const { currency } = figures.bookedAtProcessor;
  return (
    <div class="scroll">
      <table class="table stacked recon-sides">
        <caption class="eyebrow">{currency}</caption>
        <thead>
          <tr>
            <th scope="col">What</th>
            <th scope="col" class="num">
              Ledger
            </th>
            <th scope="col" class="num">
              Processor
            </th>
            <th scope="col" class="num">
              Bank
            </th>
            <th scope="col" class="num">
              Difference
            </th>
          </tr>
        </thead>
        <tbody>
          <Row
            what="Our balance at the processor"
            ledger={figures.bookedAtProcessor}
            processor={figures.saidByProcessor}
            between={difference(figures.bookedAtProcessor, figures.saidByProcessor)}
          />
          <Row what="On its way to the bank" ledger={figures.bookedInTransit} />
          <Row
            what="At the bank"
            ledger={figures.bookedAtBank}
            bank={figures.saidByBank}
            between={difference(figures.bookedAtBank, figures.saidByBank)}
          />
          <Row
            what="Cash of donors, not applied yet"
            ledger={figures.donorCash}
            processor={figures.donorCashAtProcessor}
            between={difference(figures.donorCash, figures.donorCashAtProcessor)}
          />
        </tbody>
      </table>
    </div>
  );
}

function Row(props: { what: string; ledger: Money; processor?: Money; bank?: Money; between?: bigint }) {
  const cell = (amount: Money | undefined): ComponentChildren =>
    amount ? money(amount) : <span class="muted">–</span>;
  return (
    <tr>
      <th scope="row">{props.what}</th>
      <td class="num" data-label="Ledger">
        {cell(props.ledger)}
      </td>
      <td class="num" data-label="Processor">
        {cell(props.processor)}
      </td>
      <td class="num" data-label="Bank">
        {cell(props.bank)}
      </td>
      <td class="num" data-label="Difference">
        {props.between === undefined ? (
          <span class="muted">–</span>
        ) : (
          <Between unit={props.ledger.currency} amount={props.between} />
        )}
      </td>
    </tr>
  );
}

/** What is between two sides: nothing, said in green, or how much. */
export function Between({ unit, amount }: { unit: string; amount: bigint }) {
  return amount === 0n ? (
    <span class="cash-ink recon-none">none</span>
  ) : (
    <strong class="recon-some">{signed(unit, amount)}</strong>
  );
}

/** GPU time of ended leases, class by class. */
export function GpuSides({ figures }: { figures: readonly GpuFigures[] }) {
  return (
    <div class="scroll">
      <table class="table stacked recon-sides">
        <caption class="eyebrow">GPU time of ended leases</caption>
        <thead>
          <tr>
            <th scope="col">Class</th>
            <th scope="col" class="num">
              Ledger
            </th>
            <th scope="col" class="num">
              Metered
            </th>
            <th scope="col" class="num">
              Usage records
            </th>
            <th scope="col" class="num">
              Difference
            </th>
          </tr>
        </thead>
        <tbody>
          {figures.map(({ booked, metered, recorded }) => {
            const [own, lease, record] = [booked, metered, recorded].map((time) => BigInt(time.milliseconds)) as [
              bigint,
              bigint,
              bigint,
            ];
            return (
              <tr key={booked.class}>
                <th scope="row">{booked.class}</th>
                <td class="num" data-label="Ledger">
                  {gpuSeconds(booked)}
                </td>
                <td class="num" data-label="Metered">
                  {gpuSeconds(metered)}
                </td>
                <td class="num" data-label="Usage records">
                  {gpuSeconds(recorded)}
                </td>
                <td class="num" data-label="Difference">
                  <Between unit="ms" amount={own === lease ? own - record : own - lease} />
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
