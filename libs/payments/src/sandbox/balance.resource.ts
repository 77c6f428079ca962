import type Stripe from 'stripe';
import { listOf, type ListAnswer } from './account.resource.js';
import { invalidRequest } from './api.error.js';
import { withStatus } from './charge.resource.js';
import type { Params } from './form.codec.js';
import { optionalText } from './params.reader.js';
import type { SandboxWorld } from './sandbox.world.js';

/** What may be paid out, transferred or refunded now, minor units. */
export function availableMinor(world: SandboxWorld, currency: string): number {
  const found = world.book.row(
    'SELECT coalesce(sum(net), 0) AS net FROM movement WHERE account = ? AND currency = ? AND available_on <= ?',
    world.book.scope,
    currency,
    world.book.nowSeconds,
  );
  return Number(found?.['net'] ?? 0);
}

/** Balance transactions by payout, type, source, currency and time. */
export function listBalanceTransactions(world: SandboxWorld, params: Params): ListAnswer<Stripe.BalanceTransaction> {
  const { payout: _payout, type: _type, currency: _currency, ...paging } = params;
  const payout = optionalText(params, 'payout');
  const type = optionalText(params, 'type');
  const currency = optionalText(params, 'currency');
  if (payout !== undefined) refuseManual(world, payout);
  const among = (column: string): string =>
    `EXISTS (SELECT 1 FROM movement WHERE movement.txn = object.id AND movement.${column} = ?)`;
  const page = listOf<Stripe.BalanceTransaction>(
    world,
    'balance_transaction',
    '/v1/balance_transactions',
    paging as Params,
    {
      parents: ['source'],
      also: [
        ...(payout === undefined ? [] : [{ sql: among('payout'), value: payout }]),
        ...(type === undefined ? [] : [{ sql: among('type'), value: type }]),
        ...(currency === undefined ? [] : [{ sql: among('currency'), value: currency.toLowerCase() }]),
      ],
    },
  );
  return { ...page, data: page.data.map((transaction) => withStatus(world, transaction)) };
}

function refuseManual(world: SandboxWorld, id: string): void {
  const payout = world.book.find<Stripe.Payout>('payout', id);
  if (payout === undefined) {
    throw invalidRequest(`No such payout: '${id}'`, { code: 'resource_missing', param: 'payout' });
  }
  if (payout.automatic) return;
  throw invalidRequest('Balance transaction history can only be filtered on automatic payouts, not manual.', {
    param: 'payout',
  });
}
