import type Stripe from 'stripe';
import { listOf } from './account.resource.js';
import { retrieveCharge } from './charge.resource.js';
import { retrieveWarning, withAction } from './early-fraud-warning.resource.js';
import { allowOnly, metadataOf, optionalGroup, optionalText } from './params.reader.js';
import { byCharge } from './payment-intent.resource.js';
import { updateRefund } from './refund.resource.js';
import type { Route } from './route.type.js';

/** What may follow a charge, besides refunds and disputes. */
export const RISK_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    pattern: 'radar/early_fraud_warnings',
    handle: ({ world, params }) => {
      const page = listOf<Stripe.Radar.EarlyFraudWarning>(
        world,
        'radar.early_fraud_warning',
        '/v1/radar/early_fraud_warnings',
        byCharge(world, params),
        { parents: ['charge'], noun: 'early fraud warning' },
      );
      return { ...page, data: page.data.map((warning) => withAction(world, warning)) };
    },
  },
  {
    method: 'GET',
    pattern: 'radar/early_fraud_warnings/:id',
    handle: ({ world, id }) => retrieveWarning(world, id),
  },
  { method: 'POST', pattern: 'refunds/:id', handle: ({ world, id, params }) => updateRefund(world, id, params) },
  {
    method: 'POST',
    pattern: 'charges/:id',
    handle: ({ world, id, params }) => {
      allowOnly(params, ['description', 'metadata', 'receipt_email', 'transfer_group', 'fraud_details']);
      const charge = retrieveCharge(world, id);
      const report = optionalText(optionalGroup(params, 'fraud_details') ?? {}, 'user_report');
      const updated = world.book.save<Stripe.Charge>({
        ...charge,
        description: optionalText(params, 'description') ?? charge.description,
        receipt_email: optionalText(params, 'receipt_email') ?? charge.receipt_email,
        transfer_group: optionalText(params, 'transfer_group') ?? charge.transfer_group,
        metadata: { ...charge.metadata, ...metadataOf(params) },
        fraud_details: report === undefined ? charge.fraud_details : { user_report: report as 'safe' | 'fraudulent' },
      });
      world.emit('charge.updated', updated);
      return updated;
    },
  },
];
