/**
 * Statements: what is said about money to those whom it concerns, and to nobody else. Each is made of ledger transfers
 * and adds up to them; every sum can be computed again from the lines in the same file.
 */
import { canonicalJson } from '#kernel';

export const ENTRY_KINDS = [
  'payment',
  'refund',
  'refund returned',
  'dispute',
  'dispute won',
  'processing fee',
  'dispute fee',
  'dispute fee returned',
] as const;
export type EntryKind = (typeof ENTRY_KINDS)[number];

/** One transfer of the ledger. Amounts are minor units as text. */
export interface Entry {
  readonly at: string;
  readonly kind: EntryKind;
  readonly currency: string;
  readonly amountMinor: string;
  /** By which the ledger finds the transfer: its key, and its id in the book that can be exported. */
  readonly key: string;
  readonly transferId: string;
  readonly debit: string;
  readonly credit: string;
}

/** Minor units of one currency. Fees stand apart: the platform pays the processor, a gift is counted whole. */
export interface Totals {
  readonly receivedMinor: string;
  readonly refundedMinor: string;
  readonly disputedMinor: string;
  /** Received, less what was refunded and what a bank took back. */
  readonly netMinor: string;
  readonly feesMinor: string;
}

export interface Payer {
  readonly name: string;
  /** By which public records know the same person. */
  readonly pseudonym: string;
}

export interface Beneficiary {
  readonly id: string;
  readonly title: string;
}

export interface ReceiptFacts {
  readonly payer: Payer;
  readonly campaign: Beneficiary;
  readonly terms: { readonly version: number; readonly sha256: string };
  readonly pledge: {
    readonly id: string;
    readonly at: string;
    readonly rail: string;
    readonly amountMinor: string;
    readonly currency: string;
    readonly countedMinor: string;
    readonly countedCurrency: string;
    readonly exchangeRate: string | null;
    /** The month of a monthly pledge, from 1. */
    readonly month: number | null;
  };
  readonly entries: readonly Entry[];
  readonly totals: Totals;
}

export interface YearEntry extends Entry {
  /** A campaign, or a pool of matching money. */
  readonly beneficiary: Beneficiary;
  readonly receipt: string | null;
}

export interface YearFacts {
  readonly payer: Payer;
  readonly year: number;
  readonly entries: readonly YearEntry[];
  readonly beneficiaries: readonly {
    readonly beneficiary: Beneficiary;
    readonly currency: string;
    readonly totals: Totals;
  }[];
  readonly currencies: readonly { readonly currency: string; readonly totals: Totals }[];
  /** GPU time that was settled within the year; it has no value in money. */
  readonly compute: readonly {
    readonly campaign: Beneficiary;
    readonly class: string;
    readonly deliveredMs: string;
    readonly acceptedMs: string;
  }[];
}

export interface InvoiceFacts {
  readonly addressee: {
    readonly organisation: string;
    readonly address: string;
    readonly taxId: string | null;
    readonly reference: string | null;
  };
  readonly campaign: Beneficiary;
  readonly pledgeId: string;
  readonly issuedAt: string;
  readonly dueAt: string;
  readonly amountMinor: string;
  readonly currency: string;
  readonly accounts: readonly {
    readonly type: string;
    readonly fields: Readonly<Record<string, string>>;
    readonly networks: readonly string[];
  }[];
}

export interface Posting {
  readonly at: string;
  readonly key: string;
  readonly transferId: string;
  readonly currency: string;
  readonly amountMinor: string;
  readonly debit: string;
  readonly credit: string;
  readonly reason: string;
}

export interface CampaignFacts {
  readonly campaign: Beneficiary;
  readonly postings: readonly Posting[];
  /** Every account that the postings name, with what these postings moved on it. */
  readonly accounts: readonly {
    readonly account: string;
    readonly currency: string;
    readonly debitsMinor: string;
    readonly creditsMinor: string;
  }[];
  /** What the ledger itself says of the accounts that are the campaign's own. */
  readonly ledger: readonly {
    readonly account: string;
    readonly debitsMinor: string;
    readonly creditsMinor: string;
  }[];
}

interface FactsOf {
  readonly receipt: ReceiptFacts;
  readonly invoice: InvoiceFacts;
  readonly 'yearly-summary': YearFacts;
  readonly 'campaign-account': CampaignFacts;
}
export type Definition = keyof FactsOf;

interface Headed<D extends Definition> {
  readonly definition: D;
  readonly definitionVersion: 1;
  /** Stable name of the statement; file names are made of it. */
  readonly slug: string;
  readonly version: number;
  /** The version that this one corrects, with the SHA-256 of its canonical JSON. */
  readonly corrects: { readonly version: number; readonly sha256: string } | null;
  /** The newest moment that it speaks of. */
  readonly lastEventAt: string;
  readonly facts: FactsOf[D];
}
export type StatementOf<D extends Definition> = D extends Definition ? Headed<D> : never;
export type Statement = StatementOf<Definition>;

/** The bytes that are hashed and signed: canonical JSON (RFC 8785). */
export function statementText(statement: Statement): string {
  return canonicalJson(statement);
}

export function statement<D extends Definition>(
  definition: D,
  slug: string,
  facts: FactsOf[D],
  moments: readonly string[],
  edition: { version: number; corrects: Statement['corrects'] } = { version: 1, corrects: null },
): StatementOf<D> {
  const lastEventAt = moments.reduce((a, b) => (a > b ? a : b), '');
  return { definition, definitionVersion: 1, slug, ...edition, lastEventAt, facts } as unknown as StatementOf<D>;
}

/** Sums of entries of one currency. */
export function totalsOf(entries: readonly Entry[]): Totals {
  const sum = (kind: EntryKind): bigint =>
    entries.reduce((total, entry) => (entry.kind === kind ? total + BigInt(entry.amountMinor) : total), 0n);
  const received = sum('payment');
  const refunded = sum('refund') - sum('refund returned');
  const disputed = sum('dispute') - sum('dispute won');
  return {
    receivedMinor: String(received),
    refundedMinor: String(refunded),
    disputedMinor: String(disputed),
    netMinor: String(received - refunded - disputed),
    feesMinor: String(sum('processing fee') + sum('dispute fee') - sum('dispute fee returned')),
  };
}

export function yearSums(entries: readonly YearEntry[]): Pick<YearFacts, 'beneficiaries' | 'currencies'> {
  const byCurrency = grouped(entries, (entry) => entry.currency);
  const byBoth = grouped(entries, (entry) => `${entry.beneficiary.id} ${entry.currency}`);
  return {
    beneficiaries: byBoth.flatMap((group) =>
      group.slice(0, 1).map(({ beneficiary, currency }) => ({ beneficiary, currency, totals: totalsOf(group) })),
    ),
    currencies: byCurrency.flatMap((group) =>
      group.slice(0, 1).map(({ currency }) => ({ currency, totals: totalsOf(group) })),
    ),
  };
}

/** What the postings moved on each account. */
export function accountSums(postings: readonly Posting[]): CampaignFacts['accounts'] {
  const sums = new Map<string, { currency: string; debits: bigint; credits: bigint }>();
  const at = (account: string, currency: string) => {
    const known = sums.get(account) ?? { currency, debits: 0n, credits: 0n };
    sums.set(account, known);
    return known;
  };
  for (const { debit, credit, currency, amountMinor } of postings) {
    at(debit, currency).debits += BigInt(amountMinor);
    at(credit, currency).credits += BigInt(amountMinor);
  }
  return [...sums]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([account, { currency, debits, credits }]) => ({
      account,
      currency,
      debitsMinor: String(debits),
      creditsMinor: String(credits),
    }));
}

/** What is wrong with the sums of a statement; empty when all of them follow from its lines. */
export function wrongSums(of: Statement): string[] {
  switch (of.definition) {
    case 'invoice':
      return [];
    case 'receipt':
      return same(of.facts.totals, totalsOf(of.facts.entries)) ? [] : ['totals'];
    case 'yearly-summary': {
      const { beneficiaries, currencies } = yearSums(of.facts.entries);
      return [
        ...(same(of.facts.beneficiaries, beneficiaries) ? [] : ['beneficiaries']),
        ...(same(of.facts.currencies, currencies) ? [] : ['currencies']),
      ];
    }
    case 'campaign-account':
      return [
        ...(same(of.facts.accounts, accountSums(of.facts.postings)) ? [] : ['accounts']),
        ...untied(of.facts).map((account) => `the ledger's ${account}`),
      ];
  }
}

/** Accounts of the campaign on which the ledger says another sum than the postings. */
export function untied({ accounts, ledger }: Pick<CampaignFacts, 'accounts' | 'ledger'>): string[] {
  const sums = new Map(accounts.map((sum) => [sum.account, sum]));
  return ledger
    .filter(
      (own) =>
        own.debitsMinor !== (sums.get(own.account)?.debitsMinor ?? '0') ||
        own.creditsMinor !== (sums.get(own.account)?.creditsMinor ?? '0'),
    )
    .map((own) => own.account);
}

const same = (a: unknown, b: unknown): boolean => canonicalJson(a) === canonicalJson(b);

function grouped<T>(items: readonly T[], keyOf: (item: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
}
