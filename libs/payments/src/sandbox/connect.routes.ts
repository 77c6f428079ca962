import type Stripe from 'stripe';
import { listOf } from './account.resource.js';
import { createToken, listBanks, retrieveBank, shownBank } from './bank-account.resource.js';
import * as accounts from './connected-account.resource.js';
import { optionalChoice, optionalGroup } from './params.reader.js';
import { createAccountLink, createLoginLink } from './onboarding.page.js';
import * as payouts from './payout.resource.js';
import type { Route } from './route.type.js';
import { PLATFORM_ACCOUNT, type SandboxWorld } from './sandbox.world.js';
import * as topups from './topup.resource.js';
import * as transfers from './transfer.resource.js';

/** Accounts of others, and money on its way out. */
export const CONNECT_ROUTES: readonly Route[] = [
  { method: 'POST', pattern: 'accounts', handle: ({ world, params }) => accounts.createAccount(world, params) },
  {
    method: 'GET',
    pattern: 'accounts',
    handle: ({ world, params }) => {
      const page = listOf<accounts.Account>(world, 'account', '/v1/accounts', params, {
        also: [{ sql: 'object.id <> ?', value: PLATFORM_ACCOUNT }],
      });
      return { ...page, data: page.data.map((account) => accounts.shownAccount(world, account)) };
    },
  },
  { method: 'GET', pattern: 'account', handle: ({ world }) => accounts.retrieveAccount(world, askedAccount(world)) },
  { method: 'GET', pattern: 'accounts/:id', handle: ({ world, id }) => accounts.retrieveAccount(world, id) },
  {
    method: 'POST',
    pattern: 'accounts/:id',
    handle: ({ world, id, params }) => accounts.updateAccount(world, id, params),
  },
  { method: 'DELETE', pattern: 'accounts/:id', handle: ({ world, id }) => accounts.deleteAccount(world, id) },
  { method: 'POST', pattern: 'account_links', handle: ({ world, params }) => createAccountLink(world, params) },
  { method: 'POST', pattern: 'accounts/:id/login_links', handle: ({ world, id }) => createLoginLink(world, id) },
  {
    method: 'GET',
    pattern: 'accounts/:id/capabilities',
    handle: ({ world, id }) => accounts.listCapabilities(world, id),
  },
  {
    method: 'GET',
    pattern: 'accounts/:id/capabilities/:sub',
    handle: ({ world, id, sub }) => accounts.retrieveCapability(world, id, sub),
  },
  {
    method: 'POST',
    pattern: 'accounts/:id/capabilities/:sub',
    handle: ({ world, id, sub, params }) => accounts.requestCapability(world, id, sub, params),
  },
  {
    method: 'POST',
    pattern: 'accounts/:id/external_accounts',
    handle: ({ world, id, params }) => accounts.addExternalAccount(world, id, params),
  },
  {
    method: 'GET',
    pattern: 'accounts/:id/external_accounts',
    handle: ({ world, id, params }) => listBanks(world, accounts.retrieveAccount(world, id).id, params),
  },
  {
    method: 'GET',
    pattern: 'accounts/:id/external_accounts/:sub',
    handle: ({ world, id, sub }) => shownBank(retrieveBank(world, id, sub)),
  },
  {
    method: 'DELETE',
    pattern: 'accounts/:id/external_accounts/:sub',
    handle: ({ world, id, sub }) => accounts.deleteExternalAccount(world, id, sub),
  },
  { method: 'POST', pattern: 'tokens', handle: ({ world, params }) => createToken(world, params) },
  { method: 'POST', pattern: 'transfers', handle: ({ world, params }) => transfers.createTransfer(world, params) },
  {
    method: 'GET',
    pattern: 'transfers',
    handle: ({ world, params }) =>
      listOf<Stripe.Transfer>(world, 'transfer', '/v1/transfers', params, {
        parents: ['destination'],
        fields: ['transfer_group'],
      }),
  },
  { method: 'GET', pattern: 'transfers/:id', handle: ({ world, id }) => transfers.retrieveTransfer(world, id) },
  {
    method: 'POST',
    pattern: 'transfers/:id',
    handle: ({ world, id, params }) => transfers.updateTransfer(world, id, params),
  },
  {
    method: 'POST',
    pattern: 'transfers/:id/reversals',
    handle: ({ world, id, params }) => transfers.reverseTransfer(world, id, params),
  },
  {
    method: 'GET',
    pattern: 'transfers/:id/reversals',
    handle: ({ world, id, params }) =>
      listOf<Stripe.TransferReversal>(
        world,
        'transfer_reversal',
        `/v1/transfers/${id}/reversals`,
        { ...params, transfer: transfers.retrieveTransfer(world, id).id },
        { parents: ['transfer'] },
      ),
  },
  {
    method: 'GET',
    pattern: 'transfers/:id/reversals/:sub',
    handle: ({ world, id, sub }) => transfers.retrieveReversal(world, id, sub),
  },
  { method: 'POST', pattern: 'topups', handle: ({ world, params }) => topups.createTopup(world, params) },
  {
    method: 'GET',
    pattern: 'topups',
    handle: ({ world, params }) =>
      listOf<Stripe.Topup>(world, 'topup', '/v1/topups', params, { fields: ['status', 'amount'] }),
  },
  { method: 'GET', pattern: 'topups/:id', handle: ({ world, id }) => topups.retrieveTopup(world, id) },
  {
    method: 'POST',
    pattern: 'topups/:id/cancel',
    handle: ({ world, id, params }) => topups.cancelTopup(world, id, params),
  },
  { method: 'POST', pattern: 'payouts', handle: ({ world, params }) => payouts.createPayout(world, params) },
  {
    method: 'GET',
    pattern: 'payouts',
    handle: ({ world, params }) =>
      listOf<Stripe.Payout>(world, 'payout', '/v1/payouts', params, {
        parents: ['destination'],
        fields: ['status'],
        times: ['arrival_date'],
      }),
  },
  { method: 'GET', pattern: 'payouts/:id', handle: ({ world, id }) => payouts.retrievePayout(world, id) },
  {
    method: 'POST',
    pattern: 'payouts/:id',
    handle: ({ world, id, params }) => payouts.updatePayout(world, id, params),
  },
  {
    method: 'POST',
    pattern: 'payouts/:id/cancel',
    handle: ({ world, id, params }) => payouts.cancelPayout(world, id, params),
  },
  {
    method: 'POST',
    pattern: 'payouts/:id/reverse',
    handle: ({ world, id, params }) => payouts.reversePayout(world, id, params),
  },
  { method: 'GET', pattern: 'balance_settings', handle: ({ world }) => balanceSettings(world) },
  {
    method: 'POST',
    pattern: 'balance_settings',
    handle: ({ world, params }) => {
      const payoutsPart = optionalGroup(optionalGroup(params, 'payments') ?? {}, 'payouts') ?? {};
      const schedule = optionalGroup(payoutsPart, 'schedule') ?? {};
      const interval = optionalChoice(schedule, 'interval', ['manual', 'daily', 'weekly', 'monthly']);
      if (interval !== undefined) accounts.setPayoutInterval(world, askedAccount(world), interval);
      return balanceSettings(world);
    },
  },
];

/** Without the Stripe-Account header it is the platform that asks about itself. */
function askedAccount(world: SandboxWorld): string {
  return world.book.scope === '' ? PLATFORM_ACCOUNT : world.book.scope;
}

function balanceSettings(world: SandboxWorld): object {
  return {
    object: 'balance_settings',
    payments: {
      debit_negative_balances: true,
      payouts: {
        minimum_balance_by_currency: null,
        schedule: { interval: accounts.payoutInterval(world, askedAccount(world)) },
        statement_descriptor: null,
        status: 'enabled',
      },
      settlement_timing: { delay_days: 2 },
    },
  };
}
