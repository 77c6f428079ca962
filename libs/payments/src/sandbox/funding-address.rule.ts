import { createHash } from 'node:crypto';
import type Stripe from 'stripe';

export const TRANSFER_TYPES = ['us_bank_transfer', 'eu_bank_transfer', 'gb_bank_transfer', 'jp_bank_transfer'] as const;
export type TransferType = (typeof TRANSFER_TYPES)[number];

export const CURRENCY_OF_TRANSFER: Readonly<Record<TransferType, string>> = {
  us_bank_transfer: 'usd',
  eu_bank_transfer: 'eur',
  gb_bank_transfer: 'gbp',
  jp_bank_transfer: 'jpy',
};

export const EU_COUNTRIES = ['BE', 'DE', 'ES', 'FR', 'IE', 'NL'] as const;

export type FinancialAddress = Stripe.FundingInstructions.BankTransfer.FinancialAddress;

const HOLDER = 'Commonweights';
const ADDRESS: Stripe.Address = {
  city: 'San Francisco',
  country: 'US',
  line1: '1234 Fake Street',
  line2: null,
  postal_code: '94102',
  state: 'CA',
};

/** The accounts that a customer sends money to: his own, the same at every question. */
export function financialAddresses(customer: string, type: TransferType, country: string): FinancialAddress[] {
  const digits = (count: number): string => digitsOf(`${customer}:${type}`, count);
  const at = { account_holder_address: ADDRESS, bank_address: ADDRESS };
  switch (type) {
    case 'us_bank_transfer': {
      const account = {
        ...at,
        account_holder_name: HOLDER,
        account_number: `11119${digits(9)}`,
        account_type: 'checking',
      };
      return [
        {
          type: 'aba',
          supported_networks: ['ach', 'domestic_wire_us'],
          aba: { ...account, bank_name: 'US Test Bank', routing_number: '999999999' },
        },
        {
          type: 'swift',
          supported_networks: ['swift'],
          swift: { ...account, bank_name: 'US Test Bank', swift_code: 'TESTUS99XXX' },
        },
      ];
    }
    case 'eu_bank_transfer':
      return [
        {
          type: 'iban',
          supported_networks: ['sepa'],
          iban: { ...at, account_holder_name: HOLDER, bic: 'BANKDEAAXXX', country, iban: ibanOf(country, digits(18)) },
        },
      ];
    case 'gb_bank_transfer':
      return [
        {
          type: 'sort_code',
          supported_networks: ['bacs', 'fps'],
          sort_code: { ...at, account_holder_name: HOLDER, account_number: digits(8), sort_code: '200000' },
        },
      ];
    case 'jp_bank_transfer':
      return [
        {
          type: 'zengin',
          supported_networks: ['zengin'],
          zengin: {
            ...at,
            account_holder_name: HOLDER,
            account_number: digits(7),
            account_type: 'futsu',
            bank_code: '9999',
            bank_name: 'JP Test Bank',
            branch_code: '001',
            branch_name: 'Test Branch',
          },
        },
      ];
  }
}

/** What the payer writes on the transfer, so that it finds the payment. */
export function transferReference(intentId: string): string {
  const letters = createHash('sha256').update(intentId).digest('hex').toUpperCase();
  return `${letters.slice(0, 8)}-${letters.slice(8, 11)}`;
}

function digitsOf(text: string, count: number): string {
  return BigInt(`0x${createHash('sha256').update(text).digest('hex')}`)
    .toString()
    .slice(-count);
}

function ibanOf(country: string, account: string): string {
  const asNumber = Array.from(`${account}${country}00`, (letter) => Number.parseInt(letter, 36)).join('');
  return `${country}${String(98n - (BigInt(asNumber) % 97n)).padStart(2, '0')}${account}`;
}
