import { createHash } from 'node:crypto';
import type Stripe from 'stripe';
import { invalidRequest, resourceMissing } from './api.error.js';
import { bankNumberOfToken, currencyOfCountry, isTestBankNumber } from './bank-account.table.js';
import type { Params } from './form.codec.js';
import { allowOnly, metadataOf, optionalFlag, optionalText, requiredText } from './params.reader.js';
import type { SandboxWorld } from './sandbox.world.js';

interface HiddenBank {
  readonly number: string;
}

type Bank = Stripe.BankAccount & { readonly created: number };

/** Bank accounts are kept in the platform's books, under the account that owns them. */
export function banksOf(world: SandboxWorld, account: string): Bank[] {
  return world.book.within('', () => world.book.children<Bank>(account, 'bank_account'));
}

/** Where a payout in this currency goes when it names no destination. */
export function defaultBankOf(world: SandboxWorld, account: string, currency: string): Bank | undefined {
  const fitting = banksOf(world, account).filter((bank) => bank.currency === currency);
  return fitting.find((bank) => bank.default_for_currency === true) ?? fitting[0];
}

export function bankNumberOf(world: SandboxWorld, bank: string): string {
  return world.book.hidden<HiddenBank>(bank)?.number ?? '';
}

/** `external_account` of a request: a test token, a token made before, or the details themselves. */
export function addBank(world: SandboxWorld, account: string, country: string, params: Params): Bank {
  const given = params['external_account'];
  if (given === undefined) {
    throw invalidRequest('Missing required param: external_account.', {
      code: 'parameter_missing',
      param: 'external_account',
    });
  }
  const details = typeof given === 'string' ? detailsOfToken(world, given) : Array.isArray(given) ? undefined : given;
  if (details === undefined) throw invalidRequest('Invalid object', { param: 'external_account' });
  return openBank(world, account, country, details, {
    isDefault: optionalFlag(params, 'default_for_currency') ?? true,
    metadata: metadataOf(params),
  });
}

function detailsOfToken(world: SandboxWorld, token: string): Params {
  const number = bankNumberOfToken(token);
  if (number !== undefined) return { object: 'bank_account', country: 'US', currency: 'usd', account_number: number };
  const known = world.book.within('', () => world.book.setting<Params>(`bank_token:${token}`));
  if (known === undefined) {
    throw invalidRequest(`No such token: '${token}'`, { code: 'resource_missing', param: 'external_account' });
  }
  return known;
}

function openBank(
  world: SandboxWorld,
  account: string,
  country: string,
  details: Params,
  options: { isDefault: boolean; metadata: Record<string, string> },
): Bank {
  const at = (optionalText(details, 'country') ?? country).toUpperCase();
  const currency = (optionalText(details, 'currency') ?? currencyOfCountry(at) ?? 'usd').toLowerCase();
  const number = requiredText(details, 'account_number').replaceAll(' ', '').toUpperCase();
  if (!isTestBankNumber(number)) {
    throw invalidRequest(
      'You must use a test bank account number in test mode. Try 000123456789 or see more options at https://stripe.com/docs/connect/testing#account-numbers.',
      { code: 'account_number_invalid', param: 'external_account[account_number]' },
    );
  }
  return world.book.within('', () => {
    const others = banksOf(world, account).filter((bank) => bank.currency === currency);
    const isDefault = options.isDefault || others.length === 0;
    for (const other of isDefault ? others : []) world.book.save({ ...other, default_for_currency: false });
    const bank: Bank = {
      id: world.book.newId('ba'),
      object: 'bank_account',
      account,
      account_holder_name: optionalText(details, 'account_holder_name') ?? null,
      account_holder_type: optionalText(details, 'account_holder_type') ?? null,
      account_type: null,
      available_payout_methods: ['standard'],
      bank_name: 'STRIPE TEST BANK',
      country: at,
      created: world.book.nowSeconds,
      currency,
      customer: null,
      default_for_currency: isDefault,
      fingerprint: createHash('sha256').update(`bank:${number}`).digest('hex').slice(0, 16),
      last4: number.slice(-4),
      metadata: options.metadata,
      routing_number: optionalText(details, 'routing_number') ?? (at === 'US' ? '110000000' : null),
      status: 'new',
    };
    const hidden: HiddenBank = { number };
    return world.book.add(bank, { parent: account, hidden });
  });
}

export function listBanks(world: SandboxWorld, account: string, params: Params): object {
  allowOnly(params, ['limit', 'starting_after', 'ending_before', 'object']);
  const url = `/v1/accounts/${account}/external_accounts`;
  return { object: 'list', data: banksOf(world, account).map(shownBank), has_more: false, url };
}

export function retrieveBank(world: SandboxWorld, account: string, id: string): Bank {
  const found = banksOf(world, account).find((bank) => bank.id === id);
  if (found === undefined) throw resourceMissing('external account', id);
  return found;
}

/** `created` is ours, for the book; the API does not show it. */
export function shownBank({ created: _created, ...bank }: Bank): Stripe.BankAccount {
  return bank;
}

export function createToken(world: SandboxWorld, params: Params): object {
  allowOnly(params, ['bank_account']);
  const bank = params['bank_account'];
  if (bank === undefined || typeof bank === 'string' || Array.isArray(bank)) {
    throw invalidRequest('The sandbox makes tokens of bank accounts only.', { param: 'bank_account' });
  }
  const number = requiredText(bank, 'account_number');
  const id = world.book.newId('btok');
  world.book.within('', () => world.book.setSetting(`bank_token:${id}`, bank));
  return {
    id,
    object: 'token',
    bank_account: {
      id: world.book.newId('ba'),
      object: 'bank_account',
      account_holder_name: optionalText(bank, 'account_holder_name') ?? null,
      account_holder_type: optionalText(bank, 'account_holder_type') ?? null,
      account_type: null,
      bank_name: 'STRIPE TEST BANK',
      country: optionalText(bank, 'country') ?? 'US',
      currency: optionalText(bank, 'currency') ?? 'usd',
      fingerprint: null,
      last4: number.slice(-4),
      routing_number: optionalText(bank, 'routing_number') ?? null,
      status: 'new',
    },
    client_ip: null,
    created: world.book.nowSeconds,
    livemode: false,
    type: 'bank_account',
    used: false,
  };
}
