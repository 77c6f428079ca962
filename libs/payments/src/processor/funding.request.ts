import type Stripe from 'stripe';

/** Where a donor's bank sends money to. Nothing of it is kept here. */
export interface FundingInstructions {
  readonly currency: string;
  readonly country: string;
  readonly addresses: readonly {
    /** `aba`, `iban`, `sort_code`, `zengin`, `spei`, … */
    readonly type: string;
    /** Account number, routing number, IBAN, … by name, as the donor types them into his bank's form. */
    readonly fields: Readonly<Record<string, string>>;
    readonly networks: readonly string[];
  }[];
}

type BankTransfer = Stripe.CustomerCreateFundingInstructionsParams.BankTransfer;

/** Source: Stripe documentation, "Bank transfers": the transfer type of each currency. */
const TRANSFER: Readonly<Record<string, BankTransfer>> = {
  USD: { type: 'us_bank_transfer' },
  EUR: { type: 'eu_bank_transfer', eu_bank_transfer: { country: 'DE' } },
  GBP: { type: 'gb_bank_transfer' },
  JPY: { type: 'jp_bank_transfer' },
};

export function transferOf(currency: string): BankTransfer {
  const bankTransfer = TRANSFER[currency];
  if (bankTransfer === undefined) throw new Error(`no bank transfer in ${currency}`);
  return bankTransfer;
}

export function fundingRequest(currency: string): Stripe.CustomerCreateFundingInstructionsParams {
  const bankTransfer = transferOf(currency);
  return { currency: currency.toLowerCase(), funding_type: 'bank_transfer', bank_transfer: bankTransfer };
}

export function readFunding(answer: Stripe.FundingInstructions): FundingInstructions {
  return {
    currency: answer.currency.toUpperCase(),
    country: answer.bank_transfer.country,
    addresses: answer.bank_transfer.financial_addresses.map((address) => {
      const details = (address as unknown as Record<string, unknown>)[address.type];
      const fields = typeof details === 'object' && details !== null ? Object.entries(details) : [];
      return {
        type: address.type,
        fields: Object.fromEntries(
          fields.flatMap(([name, value]) => (typeof value === 'string' ? [[name, value] as const] : [])),
        ),
        networks: address.supported_networks ?? [],
      };
    }),
  };
}
