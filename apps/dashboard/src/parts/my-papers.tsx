/** Papers for one's own books: receipts, years, invoices. */
import type { Connection } from '../api/shapes.js';
import { nodesOf } from '../api/shapes.js';
import { money, type Money } from '../format/amount.js';
import { date } from '../format/moment.js';
import { More } from './more.js';

interface Download {
  format: string;
  url: string;
}
export interface Papers {
  myReceipts: Connection<{
    pledgeId: string;
    number: string;
    version: number;
    issuedAt: string;
    campaignTitle: string;
    net: Money;
    received: Money;
    downloads: Download[];
  }>;
  myYearlySummaries: Connection<{ year: number; isRunning: boolean; downloads: Download[] }>;
  myInvoices: Connection<{
    pledgeId: string;
    number: string;
    issuedAt: string;
    dueAt: string;
    organisation: string | null;
    campaignTitle: string;
    amount: Money;
    paid: Money;
    downloads: Download[];
  }>;
}

/** `receipt-2026-000001` as people write it on a letter. */
const numberOf = (slug: string): string => slug.replace(/^receipt-/, '');

function Files({ files, about }: { files: Download[]; about: string }) {
  return (
    <span class="files-line">
      {files.map(({ format, url }) => (
        <a key={format} class="link" href={new URL(url).pathname} aria-label={`${about} as ${format.toUpperCase()}`}>
          {format.toUpperCase()}
        </a>
      ))}
    </span>
  );
}

export function Years({ years }: { years: Papers['myYearlySummaries'] }) {
  return (
    <ul class="rows">
      {nodesOf(years).map(({ year, isRunning, downloads }) => (
        <li key={year}>
          <span class="rows-main">{year}</span>
          <Files files={downloads} about={`Summary of ${year}`} />
          {isRunning && <span class="rows-when">This year, as far as it went</span>}
        </li>
      ))}
    </ul>
  );
}

export function Receipts({ receipts, url }: { receipts: Papers['myReceipts']; url: URL }) {
  return (
    <>
      <ul class="rows">
        {nodesOf(receipts).map((receipt) => (
          <li key={receipt.pledgeId}>
            <span class="rows-main">{receipt.campaignTitle}</span>
            <span class="rows-amount">{money(receipt.net)}</span>
            <span class="rows-when files-row">
              <span>
                {numberOf(receipt.number)} · {date(receipt.issuedAt)}
                {receipt.version > 1 && ` · corrected, version ${receipt.version}`}
                {receipt.net.amountMinor !== receipt.received.amountMinor && ` · ${money(receipt.received)} came`}
              </span>
              <Files files={receipt.downloads} about={`Receipt ${numberOf(receipt.number)}`} />
            </span>
          </li>
        ))}
      </ul>
      <More url={url} connection={receipts} label="Older receipts" name="receiptsAfter" />
    </>
  );
}

export function Invoices({ invoices, url }: { invoices: Papers['myInvoices']; url: URL }) {
  return (
    <>
      <ul class="rows">
        {nodesOf(invoices).map((invoice) => (
          <li key={invoice.pledgeId}>
            <span class="rows-main">{invoice.organisation ?? 'Erased addressee'}</span>
            <span class="rows-amount">{money(invoice.amount)}</span>
            <span class="rows-when files-row">
              <span>
                {invoice.number} · {invoice.campaignTitle} ·{' '}
                {invoice.paid.amountMinor === invoice.amount.amountMinor
                  ? 'paid'
                  : `due ${date(invoice.dueAt)}${invoice.paid.amountMinor === '0' ? '' : `, ${money(invoice.paid)} paid`}`}
              </span>
              <Files files={invoice.downloads} about={`Invoice ${invoice.number}`} />
            </span>
          </li>
        ))}
      </ul>
      <More url={url} connection={invoices} label="Older invoices" name="invoicesAfter" />
    </>
  );
}
