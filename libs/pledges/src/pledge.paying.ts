import { Injectable } from '@nestjs/common';
import { CampaignFunds, type CampaignRow } from '#campaigns';
import { projectRoles } from '#identity';
import { type Outcome, type Refused, isRefused } from '#kernel';
import { BankTransfers, type FundingInstructions, PaymentMethods, Payments } from '#payments';
import { type Tx, UnitOfWork, type Viewer } from '#platform';
import { type WrittenPledge, setupInput } from './cash-pledge.writer.js';
import { type CashPledgeEvent, cashPledgeMachine } from './domain/cash-pledge.machine.js';
import { paymentInputs } from './domain/payment-input.rule.js';
import { refusePledge } from './pledge.refusal.js';
import { type CashPledgeRow, lockCashPledge } from './store/cash-pledge.store.js';
import { chargesOf } from './store/pledge-money.store.js';

type SignedIn = Viewer & { kind: 'contributor' };

/** What the donor's browser confirms next. */
export interface NextStep {
  /** Of the payment, or of the saving of a method. */
  readonly paymentId: string;
  /** Whether it saves a card or an account that is charged later, instead of charging it now. */
  readonly savesMethod: boolean;
  readonly clientSecret: string | undefined;
  readonly status: string;
}

export interface CreatedCashPledge {
  readonly pledge: CashPledgeRow;
  readonly campaign: CampaignRow;
  /** Null once nothing is left to do. */
  readonly payment: NextStep | null;
  /** Where his bank sends the money of a transfer that is awaited. */
  readonly transfer: FundingInstructions | null;
}

/** How pledges are paid: what the donor's browser, or his bank, has to do next. */
@Injectable()
export class PledgePaying {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly funds: CampaignFunds,
    private readonly payments: Payments,
    private readonly methods: PaymentMethods,
    private readonly transfers: BankTransfers,
  ) {}

  /** What is next for a pledge that was just written, or found again under its key. */
  async next(written: WrittenPledge): Promise<Outcome<NextStep | null>> {
    const { pledge, campaign } = written;
    if (pledge.rail === 'bank_transfer') return null;
    if (pledge.state === 'method_required') return this.setup(pledge, written.setupId);
    if (!['created', 'needs_action', 'errored'].includes(pledge.state)) return null;
    if (written.paymentId !== undefined) return this.payment(written.paymentId);
    return this.again(pledge, campaign);
  }

  async now(viewer: SignedIn, pledgeId: string): Promise<Outcome<CreatedCashPledge>> {
    return this.own(viewer, pledgeId, async (pledge, campaign) => {
      if (!['created', 'needs_action', 'errored', 'instructions_issued', 'partially_funded'].includes(pledge.state))
        return wrongState(pledge, 'collect');
      if (!PAYS.has(campaign.state))
        return refusePledge('PLEDGE_CAMPAIGN_CLOSED', ['input', 'pledgeId'], `It is ${campaign.state}.`);
      return this.next({ pledge, campaign, paymentId: undefined, setupId: undefined });
    });
  }

  async change(viewer: SignedIn, pledgeId: string): Promise<Outcome<CreatedCashPledge>> {
    return this.own(viewer, pledgeId, async (pledge) => {
      if (
        pledge.rail === 'bank_transfer' ||
        !['method_required', 'pledged', 'frozen', 'errored'].includes(pledge.state)
      )
        return wrongState(pledge, 'save_method');
      return this.setup(pledge, undefined);
    });
  }

  async mayRefund(tx: Tx, viewer: SignedIn, pledge: CashPledgeRow): Promise<Refused | undefined> {
    const campaign = (await this.funds.hold(tx, [pledge.campaignId])).get(pledge.campaignId);
    if (!campaign) throw new Error(`pledge ${pledge.id} has no campaign`);
    const roles = await projectRoles(tx, viewer.contributorId, campaign.projectId);
    if (roles.has('owner') || roles.has('treasurer')) return undefined;
    if (pledge.contributorId !== viewer.contributorId) return forbidden();
    return ['training', 'completed', 'closed'].includes(campaign.state)
      ? refusePledge('PLEDGE_STATE_INVALID', ['input', 'pledgeId'], 'Its campaign trains already.')
      : undefined;
  }

  /** The processor is told now; if this process dies first, the sweep of payments tells it. */
  async submitRefunds(refundIds: readonly string[]): Promise<void> {
    for (const refundId of refundIds) await this.payments.submitRefund(refundId);
  }

  submitCancels(paymentIds: readonly string[]): Promise<void> {
    return this.payments.submitCancels(paymentIds);
  }

  private async own(
    viewer: SignedIn,
    pledgeId: string,
    act: (pledge: CashPledgeRow, campaign: CampaignRow) => Promise<Outcome<NextStep | null>>,
  ): Promise<Outcome<CreatedCashPledge>> {
    const found = await this.uow.run('pledges.cash-pay', async (tx) => {
      const pledge = await lockCashPledge(tx, pledgeId);
      if (!pledge) return notFound();
      if (pledge.contributorId !== viewer.contributorId) return forbidden();
      const campaign = (await this.funds.hold(tx, [pledge.campaignId])).get(pledge.campaignId);
      return campaign ? { pledge, campaign } : notFound();
    });
    if (isRefused(found)) return found;
    const next = await act(found.pledge, found.campaign);
    if (isRefused(next)) return next;
    const transfer = await this.transfer(found.pledge);
    return isRefused(transfer) ? transfer : { ...found, payment: next, transfer };
  }

  /** The first payment of the pledge that is open, or a new one for a part that is not paid, confirmed by the donor. */
  private async again(pledge: CashPledgeRow, campaign: CampaignRow): Promise<Outcome<NextStep | null>> {
    const prepared = await this.uow.run('pledges.cash-pay', async (tx) => {
      const [open] = await tx.query<{ id: string }>(
        `SELECT id FROM payment WHERE reference = $1 AND status NOT IN ('SUCCEEDED', 'FAILED', 'CANCELED')
          ORDER BY instalment LIMIT 1`,
        [pledge.id],
      );
      if (open) return [open.id];
      const paid = new Set((await chargesOf(tx, [pledge.id])).map((charge) => charge.instalment));
      return this.payments.preparePayments(tx, paymentInputs(pledge, campaign, paid, null).slice(0, 1));
    });
    if (isRefused(prepared)) return prepared;
    return this.payment(prepared[0] ?? '');
  }

  /** Where the donor's bank sends the money of his pledge; null where none is awaited. */
  async transfer(pledge: CashPledgeRow): Promise<Outcome<FundingInstructions | null>> {
    const awaited = pledge.state === 'instructions_issued' || pledge.state === 'partially_funded';
    return awaited ? this.transfers.instructions(pledge.pseudonym, pledge.currency) : null;
  }

  private async payment(paymentId: string): Promise<Outcome<NextStep>> {
    const payment = await this.payments.submitPayment(paymentId);
    if (isRefused(payment)) return payment;
    return {
      paymentId: payment.paymentId,
      savesMethod: false,
      clientSecret: payment.clientSecret,
      status: payment.status,
    };
  }

  private async setup(pledge: CashPledgeRow, known: string | undefined): Promise<Outcome<NextStep>> {
    const ids =
      known === undefined
        ? await this.uow.run('pledges.cash-setup', (tx) => this.methods.prepareSetups(tx, [setupInput(pledge)]))
        : [known];
    if (isRefused(ids)) return ids;
    const setup = await this.methods.submitSetup(ids[0] ?? '');
    if (isRefused(setup)) return setup;
    return {
      paymentId: setup.setupId,
      savesMethod: true,
      clientSecret: setup.clientSecret,
      status: setup.status,
    };
  }
}

/** In these states of its campaign a pledge may be paid. */
const PAYS: ReadonlySet<string> = new Set(['live', 'settling', 'extended', 'succeeded', 'training']);

export const notFound = (): Refused => refusePledge('PLEDGE_NOT_FOUND', ['input', 'pledgeId']);
export const forbidden = (): Refused => refusePledge('PLEDGE_FORBIDDEN', ['input', 'pledgeId']);

export function wrongState(pledge: CashPledgeRow, event: CashPledgeEvent): Refused {
  const from = cashPledgeMachine.transitions.filter((t) => t.event === event).map((t) => t.from);
  return refusePledge(
    'PLEDGE_STATE_INVALID',
    ['input', 'pledgeId'],
    pledge.snapshotId !== null && event === 'cancel'
      ? 'Its list was frozen: the campaign is being closed.'
      : `It is ${pledge.state}; it takes ${from.join(' or ')}.`,
  );
}
