import { isRefused, newId } from '#kernel';
import { GroupCommitter, type Tx, type UnitOfWork } from '#platform';
import { nextCheckMs } from '../domain/payment.machine.js';
import { nextSetupStatus, setupHasEnded, type SetupObservation, type SetupStatus } from '../domain/setup.machine.js';
import {
  PAYMENT_PURPOSES,
  type PaymentListeners,
  type PaymentPurpose,
  type SetupStep,
} from '../payment-listener.port.js';
import { findCustomers } from '../store/customer.store.js';
import { insertSavedMethods, markReleasing, type NewSavedMethod } from '../store/saved-method.store.js';
import {
  findSetups,
  lockSetups,
  postponeSetups,
  saveSetups,
  type SetupMove,
  type SetupRow,
} from '../store/setup.store.js';

const BATCH_MAX = 200;
const LANES = 2;

/** What was read at Stripe of the saving of a method. */
interface ObservedSetup {
  readonly setupId: string;
  readonly intentId: string | undefined;
  readonly observed: SetupObservation;
}

interface Told {
  readonly purpose: PaymentPurpose;
  readonly step: SetupStep;
}

/**
 * Reads and moves setups for callers that are many at a time: those that come while a transaction is under way share the
 * next one. Rows, saved methods and what the listeners make of them change together.
 */
export class SetupWriter {
  readonly #moves: GroupCommitter<ObservedSetup, SetupStatus>;
  readonly #rows: GroupCommitter<string, SetupRow | undefined>;

  constructor(
    uow: UnitOfWork,
    private readonly listeners: PaymentListeners,
  ) {
    const options = { maxBatch: BATCH_MAX, lanes: LANES };
    this.#moves = new GroupCommitter(async (batch) => {
      const outcome = await uow.run('setups-observed', (tx) => this.#write(tx, batch));
      if (isRefused(outcome)) throw new Error('what Stripe says of a setup is never refused');
      return outcome;
    }, options);
    this.#rows = new GroupCommitter(async (ids) => {
      const rows = await uow.read((tx) => findSetups(tx, [...new Set(ids)]));
      return ids.map((id) => rows.get(id));
    }, options);
  }

  row(setupId: string): Promise<SetupRow | undefined> {
    return this.#rows.submit(setupId);
  }

  /** Resolves after the commit. @returns how the setup stands then. */
  observe(setupId: string, intentId: string | undefined, observed: SetupObservation): Promise<SetupStatus> {
    return this.#moves.submit({ setupId, intentId, observed });
  }

  async #write(tx: Tx, batch: readonly ObservedSetup[]): Promise<SetupStatus[]> {
    const rows = await lockSetups(tx, [...new Set(batch.map(({ setupId }) => setupId))]);
    const saving = batch.flatMap(({ setupId, observed }) => {
      const row = rows.get(setupId);
      return observed.status === 'SUCCEEDED' && row !== undefined ? row.contributor_pseudonym : [];
    });
    const customers = await findCustomers(tx, [...new Set(saving)]);
    const moves = new Map<string, SetupMove>();
    const quiet: { id: string; nextCheckAt: Date; intentId: string | undefined }[] = [];
    const saved: NewSavedMethod[] = [];
    const unwanted: string[] = [];
    const told: Told[] = [];
    const statuses = batch.map(({ setupId, intentId, observed }): SetupStatus => {
      const row = rows.get(setupId);
      if (row === undefined) throw new Error(`setup ${setupId} vanished`);
      const next = nextSetupStatus(row.status, observed);
      if (next === undefined) {
        const nextCheckAt = new Date(tx.now.getTime() + nextCheckMs(row.checks));
        if (!setupHasEnded(row.status)) quiet.push({ id: setupId, nextCheckAt, intentId });
        return row.status;
      }
      const after: SetupRow = {
        ...row,
        status: next,
        version: row.version + 1,
        stripe_setup_intent_id: row.stripe_setup_intent_id ?? intentId ?? null,
        failure_code: 'code' in observed ? observed.code : null,
      };
      rows.set(setupId, after);
      moves.set(setupId, {
        after,
        nextCheckAt: setupHasEnded(next) ? null : new Date(tx.now.getTime() + nextCheckMs(0)),
      });
      const method = methodOf(row, observed, customers);
      if (method !== undefined) saved.push(method);
      // Saved in the moment in which it was given up: it is not kept.
      if (method !== undefined && row.cancel_requested_at !== null) unwanted.push(method.id);
      const step = stepOf(row, observed, method);
      if (step !== undefined) told.push({ purpose: row.purpose, step });
      return next;
    });
    await postponeSetups(tx, quiet);
    await saveSetups(tx, [...moves.values()]);
    await insertSavedMethods(tx, saved);
    if (unwanted.length > 0) await markReleasing(tx, unwanted);
    for (const purpose of PAYMENT_PURPOSES) {
      const steps = told.filter((each) => each.purpose === purpose).map(({ step }) => step);
      if (steps.length > 0) await this.listeners.of(purpose).onSetups?.(tx, steps);
    }
    return statuses;
  }
}

/** The method that a setup leaves; undefined for one that leaves none. @throws for a method of another customer */
function methodOf(
  row: SetupRow,
  observed: SetupObservation,
  customers: ReadonlyMap<string, { readonly stripe_customer_id: string | null }>,
): NewSavedMethod | undefined {
  if (observed.status !== 'SUCCEEDED') return undefined;
  if (customers.get(row.contributor_pseudonym)?.stripe_customer_id !== observed.customerId) {
    throw new Error(`setup ${row.id} succeeded for another customer`);
  }
  return {
    id: newId(),
    setupId: row.id,
    contributorPseudonym: row.contributor_pseudonym,
    rail: row.rail,
    stripePaymentMethodId: observed.paymentMethodId,
    stripeCustomerId: observed.customerId,
  };
}

function stepOf(row: SetupRow, observed: SetupObservation, method: NewSavedMethod | undefined): SetupStep | undefined {
  const about = {
    setupId: row.id,
    reference: row.reference,
    purpose: row.purpose,
    beneficiaryId: row.beneficiary_id,
    contributorPseudonym: row.contributor_pseudonym,
  };
  switch (observed.status) {
    case 'SUCCEEDED':
      return method && { ...about, kind: 'saved', savedMethodId: method.id, rail: row.rail };
    case 'REQUIRES_ACTION':
      return { ...about, kind: 'requires_action' };
    case 'REQUIRES_PAYMENT_METHOD':
      return { ...about, kind: 'failed', code: observed.code, message: observed.message, final: false };
    case 'FAILED':
      return { ...about, kind: 'failed', code: observed.code, message: observed.message, final: true };
    case 'CANCELED':
      return { ...about, kind: 'failed', code: 'canceled', message: 'The setup was canceled.', final: true };
    case 'SUBMITTED':
    case 'PROCESSING':
      return undefined;
  }
}
