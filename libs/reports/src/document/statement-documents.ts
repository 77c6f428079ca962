/** Statements as documents. Pure: figures come from the statement's facts alone. */
import type {
  Entry,
  InvoiceFacts,
  Payer,
  ReceiptFacts,
  Statement,
  StatementOf,
  Totals,
  YearFacts,
} from '../domain/statement.js';
import type { Block, ReportDocument, Section } from './document.js';
import { count, money, moment, seconds } from './figure-text.js';
import { code, figure, name, table, words } from './tables.js';

/** Postings beyond this number are in the CSV and the JSON only: nobody reads more of them on paper. */
const PRINTED_POSTINGS = 2_000;

const RAILS: Readonly<Record<string, string>> = {
  card: 'card',
  us_bank_account: 'bank debit (ACH)',
  sepa_debit: 'bank debit (SEPA)',
  bank_transfer: 'bank transfer',
};

export function statementDocument(of: Statement, sha256: string): ReportDocument {
  const { title, sections } = contents(of);
  return {
    lang: 'en',
    title,
    subtitle: `${of.slug}, version ${of.version}. ${of.lastEventAt === '' ? 'Nothing happened.' : `As of ${moment(of.lastEventAt)}.`}`,
    sections: [...sections, proofSection(of, sha256)],
  };
}

function contents(of: Statement): Pick<ReportDocument, 'title' | 'sections'> {
  switch (of.definition) {
    case 'receipt':
      return { title: `Receipt ${numberOf(of.slug)}`, sections: receiptSections(of) };
    case 'invoice':
      return { title: `Invoice ${numberOf(of.slug)}`, sections: invoiceSections(of.facts) };
    case 'yearly-summary':
      return { title: `Summary of ${of.facts.year}`, sections: yearSections(of.facts) };
    case 'campaign-account':
      return { title: `Account of the campaign: ${of.facts.campaign.title}`, sections: campaignSections(of) };
  }
}

const numberOf = (slug: string): string => slug.slice(slug.indexOf('-') + 1).toUpperCase();
const paragraph = (text: string): Block => ({ kind: 'paragraph', text });
const items = (caption: string, rows: readonly (readonly string[])[]): Block =>
  table(caption, [name('Item', 2), words('Value', 4)], rows);
const payerRows = ({ name: who, pseudonym }: Payer): string[][] => [
  ['From', who],
  ['Known in public records as', pseudonym],
];

function totalRows(totals: Totals, currency: string): string[][] {
  const amount = (minor: string): string => money(minor, currency);
  return [
    ['Received', amount(totals.receivedMinor)],
    ['Refunded', amount(totals.refundedMinor)],
    ['Taken back by a bank (disputes)', amount(totals.disputedMinor)],
    ['Net', amount(totals.netMinor)],
    ['Fees of the processor, borne apart', amount(totals.feesMinor)],
  ];
}

function receiptSections({ facts, corrects }: StatementOf<'receipt'>): Section[] {
  const { pledge, totals } = facts;
  const correction = corrects
    ? [
        paragraph(
          `This receipt corrects version ${corrects.version} (SHA-256 ${corrects.sha256}): money of this pledge has moved since.`,
        ),
      ]
    : [];
  return [
    {
      id: 'summary',
      title: 'In short',
      blocks: [
        ...correction,
        table('Money', [name('Item'), figure('Amount')], totalRows(totals, pledge.currency)),
        items('What it was given for', [...payerRows(facts.payer), ...pledgeRows(facts)]),
      ],
    },
    { id: 'money', title: 'Every movement', blocks: [entryTable(facts.entries), transferTable(facts.entries)] },
  ];
}

function pledgeRows({ campaign, terms, pledge }: ReceiptFacts): string[][] {
  const counted =
    pledge.exchangeRate === null
      ? []
      : [['Counts as', `${money(pledge.countedMinor, pledge.countedCurrency)} (${pledge.exchangeRate})`]];
  return [
    ['Campaign', campaign.title],
    ['Pledged', `${money(pledge.amountMinor, pledge.currency)} on ${moment(pledge.at)}`],
    ...counted,
    ...(pledge.month === null ? [] : [['Month of the monthly pledge', String(pledge.month)]]),
    ['Paid by', RAILS[pledge.rail] ?? pledge.rail],
    ['Terms agreed to', `version ${terms.version} (SHA-256 ${terms.sha256})`],
    ['Pledge id', pledge.id],
  ];
}

function entryTable(entries: readonly Entry[]): Block {
  return table(
    'Movements',
    [name('When', 3), words('What', 3), figure('Amount', 3)],
    entries.map((entry) => [moment(entry.at), entry.kind, money(entry.amountMinor, entry.currency)]),
    'No money has moved.',
  );
}

function transferTable(entries: readonly Entry[]): Block {
  return table(
    'Where the ledger has them',
    [code('Key', 5), code('Transfer id', 4)],
    entries.map((entry) => [entry.key, entry.transferId]),
    'No money has moved.',
  );
}

function yearSections(facts: YearFacts): Section[] {
  const sums = (of: { currency: string; totals: Totals }): string[] =>
    [
      of.totals.receivedMinor,
      of.totals.refundedMinor,
      of.totals.disputedMinor,
      of.totals.netMinor,
      of.totals.feesMinor,
    ].map((minor) => money(minor, of.currency));
  const columns = ['Received', 'Refunded', 'Disputed', 'Net', 'Fees apart'].map((label) => figure(label, 2));
  return [
    {
      id: 'summary',
      title: 'In short',
      blocks: [
        items('Whose summary this is', [...payerRows(facts.payer), ['Year (UTC)', String(facts.year)]]),
        table(
          'By currency',
          [name('Currency', 1), ...columns],
          facts.currencies.map((of) => [of.currency, ...sums(of)]),
          'No money has moved.',
        ),
        table(
          'By campaign or pool',
          [name('For', 3), ...columns],
          facts.beneficiaries.map((of) => [of.beneficiary.title, ...sums(of)]),
          'No money has moved.',
        ),
      ],
    },
    {
      id: 'compute',
      title: 'GPU time',
      blocks: [
        paragraph('Time of accelerators, as settled within the year. No value in money is put on it.'),
        table(
          'By campaign and class',
          [name('Campaign'), words('Class'), figure('Delivered'), figure('Accepted')],
          facts.compute.map((of) => [of.campaign.title, of.class, seconds(of.deliveredMs), seconds(of.acceptedMs)]),
          'No GPU time was settled.',
        ),
      ],
    },
    {
      id: 'money',
      title: 'Every movement',
      blocks: [
        table(
          'Movements',
          [name('When', 3), words('For', 3), words('What', 2), figure('Amount', 2), words('Receipt', 3)],
          facts.entries.map((entry) => [
            moment(entry.at),
            entry.beneficiary.title,
            entry.kind,
            money(entry.amountMinor, entry.currency),
            entry.receipt ?? '–',
          ]),
          'No money has moved.',
        ),
      ],
    },
  ];
}

function invoiceSections(facts: InvoiceFacts): Section[] {
  const { addressee } = facts;
  return [
    {
      id: 'summary',
      title: 'What is asked for',
      blocks: [
        items('Invoice', [
          ['Amount due', money(facts.amountMinor, facts.currency)],
          ['Due on', moment(facts.dueAt)],
          ['Issued on', moment(facts.issuedAt)],
          ['For', `A gift to the campaign ${facts.campaign.title}`],
          ['Pledge id', facts.pledgeId],
        ]),
        items('Made out to', [
          ['Organisation', addressee.organisation],
          ['Address', addressee.address],
          ['Tax id', addressee.taxId ?? '–'],
          ['Your reference', addressee.reference ?? '–'],
        ]),
      ],
    },
    {
      id: 'payment',
      title: 'Where to pay',
      blocks: [
        paragraph(
          'Send a bank transfer to one of these accounts. It is held for you alone, so what arrives is known to be yours whatever the transfer says.',
        ),
        ...facts.accounts.map((account) =>
          items(`Account (${account.type})`, [
            ...Object.entries(account.fields).map(([field, text]) => [field.replaceAll('_', ' '), text]),
            ['networks', account.networks.join(', ').replaceAll('_', ' ') || '–'],
          ]),
        ),
      ],
    },
  ];
}

function campaignSections({ facts }: StatementOf<'campaign-account'>): Section[] {
  const own = new Set(facts.ledger.map(({ account }) => account));
  const rows = facts.accounts.map((of) => [
    of.account,
    money(of.debitsMinor, of.currency),
    money(of.creditsMinor, of.currency),
    money(String(BigInt(of.creditsMinor) - BigInt(of.debitsMinor)), of.currency),
  ]);
  const columns = [
    { ...code('Account', 5), heads: true },
    figure('Debits', 2),
    figure('Credits', 2),
    figure('Balance', 2),
  ];
  const printed = facts.postings.slice(0, PRINTED_POSTINGS);
  const left = facts.postings.length - printed.length;
  return [
    {
      id: 'accounts',
      title: 'Accounts',
      blocks: [
        paragraph(
          'Balances are credits less debits. Those of the campaign’s own accounts equal the ledger’s to the unit; those of the platform’s accounts show what this campaign moved on them.',
        ),
        table(
          'Accounts of the campaign',
          columns,
          rows.filter(([account]) => own.has(account ?? '')),
          'No money has moved.',
        ),
        table(
          'Accounts of the platform and of others',
          columns,
          rows.filter(([account]) => !own.has(account ?? '')),
          'No money has moved.',
        ),
      ],
    },
    {
      id: 'postings',
      title: 'Postings',
      blocks: [
        ...(left > 0
          ? [paragraph(`${count(left)} later postings are in the CSV and in the JSON inside this file.`)]
          : []),
        table(
          'Postings',
          [
            name('When', 3),
            words('Why', 3),
            { ...words('Debit', 4), code: true },
            { ...words('Credit', 4), code: true },
            figure('Amount', 3),
          ],
          printed.map((of) => [moment(of.at), of.reason, of.debit, of.credit, money(of.amountMinor, of.currency)]),
          'No money has moved.',
        ),
      ],
    },
  ];
}

function proofSection(of: Statement, sha256: string): Section {
  return {
    id: 'proof',
    title: 'How to check this',
    blocks: [
      paragraph(
        'The JSON file (also inside the PDF) carries the figures and a signature by the key of the public log. The command "commonweights verify FILE --key KEY" checks both without a network connection and adds everything up again. Each movement is a transfer of the public ledger: find it there by its key, or by its id in an exported book, whose seals are in the log.',
      ),
      table(
        'What it is checked against',
        [name('Item', 2), code('Value', 4)],
        [
          ['SHA-256 of the statement', sha256],
          ['Definition', `${of.definition} version ${of.definitionVersion}`],
          ['Name', `${of.slug}, version ${of.version}`],
        ],
      ),
    ],
  };
}
