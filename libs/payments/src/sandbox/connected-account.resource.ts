import type Stripe from 'stripe';
import { judgeAccount } from './account-requirement.rule.js';
import { invalidRequest, resourceMissing } from './api.error.js';
import { addBank, banksOf, retrieveBank, shownBank } from './bank-account.resource.js';
import { currencyOfCountry } from './bank-account.table.js';
import { controllerOf, SETTINGS_AT_FIRST } from './connected-account.shape.js';
import type { Params } from './form.codec.js';
import {
  allowOnly,
  metadataOf,
  optionalChoice,
  optionalFlag,
  optionalGroup,
  optionalInteger,
  optionalText,
} from './params.reader.js';
import { PLATFORM_ACCOUNT, type SandboxWorld } from './sandbox.world.js';

export type Account = Stripe.Account & { readonly created: number };

interface HiddenAccount {
  readonly onboarded?: boolean;
  readonly ownerNamed?: boolean;
}

const CAPABILITIES = [
  'transfers',
  'card_payments',
  'us_bank_account_ach_payments',
  'sepa_debit_payments',
  'bank_transfer_payments',
  'us_bank_transfer_payments',
  'sepa_bank_transfer_payments',
] as const;
const UPDATE_PARAMS = [
  'business_profile',
  'business_type',
  'capabilities',
  'company',
  'individual',
  'default_currency',
  'email',
  'external_account',
  'metadata',
  'settings',
  'tos_acceptance',
];

export function createAccount(world: SandboxWorld, params: Params): Account {
  allowOnly(params, [...UPDATE_PARAMS, 'type', 'controller', 'country']);
  const type = optionalChoice(params, 'type', ['standard', 'express', 'custom']);
  const controller = optionalGroup(params, 'controller');
  if (type !== undefined && controller !== undefined) {
    throw invalidRequest('You may not provide the `type` parameter and the `controller` parameter simultaneously.', {
      param: 'type',
    });
  }
  const country = (optionalText(params, 'country') ?? 'US').toUpperCase();
  const currency = currencyOfCountry(country);
  if (currency === undefined) {
    throw invalidRequest(`${country} is not currently supported by Stripe.`, {
      code: 'country_unsupported',
      param: 'country',
    });
  }
  const id = world.book.newId('acct', 16);
  const account: Account = {
    id,
    object: 'account',
    business_profile: {
      annual_revenue: null,
      estimated_worker_count: null,
      mcc: null,
      minority_owned_business_designation: null,
      name: null,
      product_description: null,
      specified_commercial_transactions_act_url: null,
      support_address: null,
      support_email: null,
      support_phone: null,
      support_url: null,
      url: null,
    },
    business_type: null,
    capabilities: {},
    charges_enabled: false,
    controller: controllerOf(type, controller),
    country,
    created: world.book.nowSeconds,
    default_currency: currency,
    details_submitted: false,
    email: null,
    future_requirements: noRequirements(),
    metadata: {},
    payouts_enabled: false,
    requirements: noRequirements(),
    settings: structuredClone(SETTINGS_AT_FIRST),
    tos_acceptance: { date: null, ip: null, user_agent: null },
    type: controller === undefined ? (type ?? 'standard') : 'none',
  };
  world.book.add(account, { hidden: {} });
  setPayoutInterval(world, id, 'daily');
  return applyParams(world, account, params);
}

export function retrieveAccount(world: SandboxWorld, id: string): Account {
  return shownAccount(world, findAccount(world, id));
}

function findAccount(world: SandboxWorld, id: string): Account {
  const found = world.book.within('', () => world.book.find<Account>('account', id));
  if (found !== undefined) return found;
  if (id === PLATFORM_ACCOUNT) return openPlatformAccount(world);
  throw resourceMissing('account', id, 'account');
}

/** The platform's own account, with its bank account, comes into being when it is first looked at. */
function openPlatformAccount(world: SandboxWorld): Account {
  return world.book.within('', () => {
    const made = createAccount(world, { country: 'US', type: 'standard', email: 'platform@example.org' });
    world.book.remove(made.id);
    const platform = { ...made, id: PLATFORM_ACCOUNT, controller: { type: 'account' as const } };
    world.book.add(platform, { hidden: { onboarded: true } });
    for (const currency of ['usd', 'eur', 'gbp', 'chf', 'cad', 'jpy']) {
      addBank(world, PLATFORM_ACCOUNT, 'US', { external_account: { account_number: '000123456789', currency } });
    }
    setPayoutInterval(world, PLATFORM_ACCOUNT, payoutInterval(world, PLATFORM_ACCOUNT));
    return refreshAccount(world, PLATFORM_ACCOUNT);
  });
}

export function updateAccount(world: SandboxWorld, id: string, params: Params): Account {
  allowOnly(params, UPDATE_PARAMS);
  return applyParams(world, findAccount(world, id), params);
}

export function deleteAccount(world: SandboxWorld, id: string): { id: string; object: 'account'; deleted: true } {
  findAccount(world, id);
  const left = world.book.row('SELECT sum(net) AS net FROM movement WHERE account = ? HAVING sum(net) <> 0', id);
  if (left !== undefined) {
    throw invalidRequest('This account has a balance and cannot be deleted.', { code: 'account_invalid' });
  }
  world.book.remove(id);
  return { id, object: 'account', deleted: true };
}

/** The onboarding page was completed: every question is answered. */
export function completeOnboarding(world: SandboxWorld, id: string, numbers: readonly Params[]): Account {
  const account = findAccount(world, id);
  for (const details of numbers) addBank(world, id, account.country ?? 'US', { external_account: details });
  world.book.setHidden(id, { ...world.book.hidden<HiddenAccount>(id), onboarded: true });
  world.book.within('', () =>
    world.book.save<Account>({
      ...findAccount(world, id),
      business_type: account.business_type ?? 'non_profit',
      tos_acceptance: { date: world.book.nowSeconds, ip: '127.0.0.1', user_agent: null },
    }),
  );
  return refreshAccount(world, id);
}

export function addExternalAccount(world: SandboxWorld, id: string, params: Params): Stripe.BankAccount {
  allowOnly(params, ['external_account', 'default_for_currency', 'metadata']);
  const bank = addBank(world, id, findAccount(world, id).country ?? 'US', params);
  world.book.within(scopeOf(id), () => world.emit('account.external_account.created', bank));
  refreshAccount(world, id);
  return shownBank(bank);
}

export function deleteExternalAccount(world: SandboxWorld, id: string, bank: string): object {
  const found = retrieveBank(world, id, bank);
  world.book.remove(found.id);
  refreshAccount(world, id);
  return { id: found.id, object: 'bank_account', currency: found.currency, deleted: true };
}

export function retrieveCapability(world: SandboxWorld, id: string, name: string): object {
  const account = findAccount(world, id);
  const status = account.capabilities?.[name as keyof Stripe.Account.Capabilities];
  if (status === undefined) throw resourceMissing('capability', name, 'capability');
  return {
    id: name,
    object: 'capability',
    account: id,
    future_requirements: noRequirements(),
    requested: true,
    requested_at: account.created,
    requirements: account.requirements,
    status,
  };
}

export function listCapabilities(world: SandboxWorld, id: string): object {
  const names = Object.keys(findAccount(world, id).capabilities ?? {});
  const data = names.map((name) => retrieveCapability(world, id, name));
  return { object: 'list', data, has_more: false, url: `/v1/accounts/${id}/capabilities` };
}

export function requestCapability(world: SandboxWorld, id: string, name: string, params: Params): object {
  allowOnly(params, ['requested']);
  const asked = optionalFlag(params, 'requested') === true ? 'true' : 'false';
  applyParams(world, findAccount(world, id), { capabilities: { [name]: { requested: asked } } });
  return retrieveCapability(world, id, name);
}

function applyParams(world: SandboxWorld, account: Account, params: Params): Account {
  const profile = optionalGroup(params, 'business_profile') ?? {};
  const tos = optionalGroup(params, 'tos_acceptance');
  const type = optionalChoice(params, 'business_type', ['company', 'government_entity', 'individual', 'non_profit']);
  const owner = optionalGroup(params, 'company') ?? optionalGroup(params, 'individual');
  if (owner !== undefined && (optionalText(owner, 'name') ?? optionalText(owner, 'first_name')) !== undefined) {
    world.book.setHidden(account.id, { ...world.book.hidden<HiddenAccount>(account.id), ownerNamed: true });
  }
  const text = (name: string, before: string | null): string | null => optionalText(profile, name) ?? before;
  const before = account.business_profile;
  const next: Account = {
    ...account,
    business_profile: {
      ...(before as Stripe.Account.BusinessProfile),
      mcc: text('mcc', before?.mcc ?? null),
      name: text('name', before?.name ?? null),
      product_description: text('product_description', before?.product_description ?? null),
      url: text('url', before?.url ?? null),
      support_email: text('support_email', before?.support_email ?? null),
    },
    business_type: type ?? account.business_type ?? null,
    capabilities: { ...account.capabilities, ...requestedIn(params) },
    default_currency: optionalText(params, 'default_currency') ?? account.default_currency ?? 'usd',
    email: optionalText(params, 'email') ?? account.email,
    metadata: { ...account.metadata, ...metadataOf(params) },
    tos_acceptance:
      tos === undefined
        ? (account.tos_acceptance ?? {})
        : { date: optionalInteger(tos, 'date') ?? null, ip: optionalText(tos, 'ip') ?? null, user_agent: null },
  };
  world.book.within('', () => world.book.save(next));
  if (params['external_account'] !== undefined) addBank(world, account.id, account.country ?? 'US', params);
  const payouts = optionalGroup(optionalGroup(params, 'settings') ?? {}, 'payouts') ?? {};
  const interval = optionalChoice(optionalGroup(payouts, 'schedule') ?? {}, 'interval', INTERVALS);
  if (interval !== undefined) setPayoutInterval(world, account.id, interval);
  return refreshAccount(world, account.id);
}

const INTERVALS = ['manual', 'daily', 'weekly', 'monthly'] as const;
export type PayoutInterval = (typeof INTERVALS)[number];

/** How an account is paid out. Connected accounts daily, the platform by hand unless told otherwise. */
export function payoutInterval(world: SandboxWorld, account: string): PayoutInterval {
  return world.book.setting<PayoutInterval>(`payout_interval:${account}`) ?? 'manual';
}

export function setPayoutInterval(world: SandboxWorld, account: string, interval: PayoutInterval): void {
  world.book.setSetting(`payout_interval:${account}`, interval);
  if (interval === 'manual') return;
  const scope = scopeOf(account);
  world.book.within(scope, () => {
    const currencies = world.book.rows('SELECT DISTINCT currency FROM movement WHERE account = ?', scope);
    for (const row of currencies) world.book.startTimer('pay_out', String(row['currency']), 0);
  });
}

/** The platform's books are scope ''. */
export function scopeOf(account: string): string {
  return account === PLATFORM_ACCOUNT ? '' : account;
}

/** Judges the account anew and tells of a change. */
export function refreshAccount(world: SandboxWorld, id: string): Account {
  const account = findAccount(world, id);
  const hidden = world.book.hidden<HiddenAccount>(id);
  const verdict = judgeAccount({
    businessType: account.business_type ?? null,
    productDescription: account.business_profile?.product_description ?? null,
    url: account.business_profile?.url ?? null,
    ownerNamed: hidden?.ownerNamed === true,
    tosDate: account.tos_acceptance?.date ?? null,
    tosIp: account.tos_acceptance?.ip ?? null,
    onboarded: hidden?.onboarded === true,
    banks: banksOf(world, id),
  });
  const capabilities = Object.fromEntries(
    Object.keys(account.capabilities ?? {}).map((name) => [name, verdict.capable ? 'active' : 'inactive']),
  ) as Stripe.Account.Capabilities;
  const due = [...verdict.currentlyDue];
  const next = world.book.within('', () =>
    world.book.save<Account>({
      ...account,
      capabilities,
      charges_enabled: capabilities.card_payments === 'active' || id === PLATFORM_ACCOUNT,
      details_submitted: account.details_submitted || verdict.detailsSubmitted,
      payouts_enabled: verdict.payoutsEnabled,
      requirements: {
        ...noRequirements(),
        currently_due: due,
        eventually_due: due,
        past_due: due,
        disabled_reason: verdict.disabledReason as Stripe.Account.Requirements.DisabledReason | null,
      },
    }),
  );
  const shown = shownAccount(world, next);
  if (id === PLATFORM_ACCOUNT) return shown;
  world.book.within(id, () => {
    world.emit('account.updated', shown, { payouts_enabled: account.payouts_enabled });
    for (const [name, status] of Object.entries(capabilities)) {
      if (account.capabilities?.[name as keyof Stripe.Account.Capabilities] === status) continue;
      world.emit('capability.updated', { ...retrieveCapability(world, id, name), created: account.created } as never);
    }
  });
  if (next.payouts_enabled && !account.payouts_enabled) setPayoutInterval(world, id, payoutInterval(world, id));
  return shown;
}

export function shownAccount(world: SandboxWorld, account: Account): Account {
  const url = `/v1/accounts/${account.id}/external_accounts`;
  const data = banksOf(world, account.id).map(shownBank);
  const settings = structuredClone(account.settings) as Stripe.Account.Settings;
  if (settings.payouts !== undefined) settings.payouts.schedule.interval = payoutInterval(world, account.id);
  return { ...account, settings, external_accounts: { object: 'list', data, has_more: false, url } };
}

function requestedIn(params: Params): Record<string, 'inactive'> {
  const group = optionalGroup(params, 'capabilities') ?? {};
  return Object.fromEntries(
    Object.keys(group).flatMap((name) => {
      if (!(CAPABILITIES as readonly string[]).includes(name)) {
        throw invalidRequest(`The capability "${name}" is not known to the sandbox.`, {
          param: `capabilities[${name}]`,
        });
      }
      return optionalFlag(optionalGroup(group, name) ?? {}, 'requested') === true ? [[name, 'inactive'] as const] : [];
    }),
  );
}

function noRequirements(): Stripe.Account.Requirements {
  return {
    alternatives: [],
    current_deadline: null,
    currently_due: [],
    disabled_reason: null,
    errors: [],
    eventually_due: [],
    past_due: [],
    pending_verification: [],
  };
}
