import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

/** The Prometheus registry of this process and the measures that the platform itself takes. */
export class Metrics {
  readonly registry = new Registry();
  readonly httpSeconds = new Histogram({
    name: 'commonweights_http_request_seconds',
    help: 'Duration of HTTP requests in seconds.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers: [this.registry],
  });
  readonly graphqlSeconds = new Histogram({
    name: 'commonweights_graphql_operation_seconds',
    help: 'Duration of GraphQL operations in seconds.',
    labelNames: ['kind', 'outcome'],
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
    registers: [this.registry],
  });
  readonly eventsRelayed = new Counter({
    name: 'commonweights_outbox_events_relayed_total',
    help: 'Outbox events that were given a position.',
    registers: [this.registry],
  });
  readonly deliveries = new Counter({
    name: 'commonweights_event_deliveries_total',
    help: 'Deliveries of events to subscribers, by outcome.',
    labelNames: ['subscriber', 'outcome'],
    registers: [this.registry],
  });
  readonly deliverySeconds = new Histogram({
    name: 'commonweights_event_delivery_seconds',
    help: 'Duration of one job of deliveries to a subscriber in seconds.',
    labelNames: ['subscriber', 'outcome'],
    buckets: [0.005, 0.025, 0.1, 0.5, 2, 10],
    registers: [this.registry],
  });
  readonly clockSeconds = new Histogram({
    name: 'commonweights_clock_tick_seconds',
    help: 'Duration of clock ticks in seconds.',
    labelNames: ['clock', 'outcome'],
    buckets: [0.005, 0.025, 0.1, 0.5, 2, 10],
    registers: [this.registry],
  });
  readonly transactionRetries = new Counter({
    name: 'commonweights_transaction_retries_total',
    help: 'Units of work run again after a serialization failure or deadlock.',
    labelNames: ['unit'],
    registers: [this.registry],
  });
  readonly outboxWaiting = new Gauge({
    name: 'commonweights_outbox_waiting_events',
    help: 'Events committed but not yet relayed.',
    registers: [this.registry],
  });
  readonly liveReaders = new Gauge({
    name: 'commonweights_live_readers',
    help: 'Readers of the live feed of this process: open subscriptions and waiting jobs.',
    registers: [this.registry],
  });
  readonly deliveriesWaiting = new Gauge({
    name: 'commonweights_event_deliveries_waiting',
    help: 'Deliveries of events to subscribers that are not done.',
    registers: [this.registry],
  });
  // With labels, so that a process which compares nothing shows nothing instead of an agreement.
  readonly reconciliationDifference = new Gauge({
    name: 'commonweights_reconciliation_difference_minor',
    help: "The processor's balance beyond what the books explain, in minor units of the currency.",
    labelNames: ['currency'],
    registers: [this.registry],
  });
  readonly reconciliationAge = new Gauge({
    name: 'commonweights_reconciliation_agreed_age_seconds',
    help: "Seconds since the books last agreed with the processor's balance.",
    labelNames: ['processor'],
    registers: [this.registry],
  });
  readonly reconciliationCases = new Gauge({
    name: 'commonweights_reconciliation_open_cases',
    help: 'Differences between books, processor, bank and meters that nobody has explained or corrected.',
    labelNames: ['kind'],
    registers: [this.registry],
  });
  readonly reconciliationOldestCase = new Gauge({
    name: 'commonweights_reconciliation_oldest_case_seconds',
    help: 'Age of the oldest of those differences; 0 when there is none.',
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry, prefix: 'commonweights_' });
  }
}
