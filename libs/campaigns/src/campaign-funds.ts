import { Injectable } from '@nestjs/common';
import type { Outcome } from '#kernel';
import { Ledger } from '#ledger';
import type { Tx } from '#platform';
import { CampaignLife } from './campaign-life.js';
import { event } from './campaign.event.js';
import { refuseCampaign } from './campaign.refusal.js';
import { type CampaignEvent, campaignMachine } from './domain/campaign.machine.js';
import { cashAccountsToOpen } from './domain/campaign-accounts.rule.js';
import { isCollapsed, netCashMinor } from './domain/verdict.rule.js';
import { PendingPayments, type PendingSource } from './pending-payments.js';
import { type CampaignRow, lockCampaign, shareCampaigns, writeState } from './store/campaign.store.js';
import { consentsOf } from './store/settlement.store.js';
import { type BackerChange, type TallyChange, changeBackers, changeTally, readTally } from './store/tally.store.js';
import { type CampaignTerms, readTerms } from './store/terms.store.js';

/** What the rooms that take and pay money may see and change of a campaign, inside their own units of work. */
@Injectable()
export class CampaignFunds {
  constructor(
    private readonly ledger: Ledger,
    private readonly life: CampaignLife,
    private readonly pending: PendingPayments,
  ) {}

  /** Campaigns held in their present state until the unit of work ends; pledges hold them side by side. */
  hold(tx: Tx, ids: readonly string[]): Promise<Map<string, CampaignRow>> {
    return shareCampaigns(tx, ids);
  }

  /** The campaign held alone. */
  lock(tx: Tx, id: string): Promise<CampaignRow | undefined> {
    return lockCampaign(tx, id);
  }

  /** What backers agree to: that version, or the newest. Undefined before the campaign went live. */
  terms(tx: Tx, id: string, version?: number): Promise<CampaignTerms | undefined> {
    return readTerms(tx, id, version);
  }

  /** Opens the campaign's accounts for money in that currency; opened ones stay. */
  async openCashAccounts(tx: Tx, id: string, currency: string): Promise<void> {
    await this.ledger.openAccounts(tx, cashAccountsToOpen(id, currency));
  }

  /** Books differences of money that the ledger was told of in the same unit of work, in the campaign's currency. */
  book(tx: Tx, campaignId: string, change: TallyChange): Promise<void> {
    return changeTally(tx, campaignId, change);
  }

  /** One more or one less pledge of this person that holds. */
  backer(tx: Tx, campaignId: string, contributorId: string, kind: 'cash' | 'compute', delta: 1 | -1): Promise<void> {
    return changeBackers(tx, [{ campaignId, contributorId, kind, delta }]);
  }

  /** The same for many at once. */
  backers(tx: Tx, changes: readonly BackerChange[]): Promise<void> {
    return changeBackers(tx, changes);
  }

  /**
   * What may still be pledged below the hard cap and below `mostMinor`, in the campaign's currency; null without either.
   * The totals stay as they are until the unit of work ends, so that two pledges cannot both take the last of it.
   */
  async remainingToCapMinor(tx: Tx, id: string, mostMinor?: bigint): Promise<bigint | null> {
    const [row] = await tx.query<{ cap: string | null }>(
      `SELECT plan->>'hardCapMinor' AS cap FROM campaign WHERE id = $1`,
      [id],
    );
    const caps = [row?.cap == null ? undefined : BigInt(row.cap), mostMinor].filter((cap) => cap !== undefined);
    if (caps.length === 0) return null;
    const cap = caps.reduce((a, b) => (a < b ? a : b));
    const tally = await readTally(tx, id, true);
    const left = cap - tally.promisedMinor - netCashMinor(tally);
    return left > 0n ? left : 0n;
  }

  /** Those of the people who let their money wait for the extension. */
  consented(tx: Tx, id: string, contributorIds: readonly string[]): Promise<Set<string>> {
    return consentsOf(tx, id, contributorIds);
  }

  /** Registers whoever knows of money on its way; asked when a campaign is judged. */
  onPending(source: PendingSource): void {
    this.pending.add(source);
  }

  /** Says that the frozen pledges are all at rest; the verdict follows. Nothing happens unless the campaign is settling. */
  settled(tx: Tx, id: string): Promise<void> {
    return this.life.settle(tx, id);
  }

  /** The first refund of an ended campaign was asked for. Told again, nothing happens. */
  refundsBegun(tx: Tx, id: string): Promise<void> {
    return this.windUp(tx, id, 'begin_refunds', 'campaign.refunding');
  }

  /** Every pledge of an ended campaign is at its end. Told again, nothing happens. */
  async refundsDone(tx: Tx, id: string): Promise<void> {
    const { capturedMinor } = await readTally(tx, id);
    if (capturedMinor > 0n) await this.refundsBegun(tx, id);
    await this.windUp(tx, id, 'finish_refunds', 'campaign.refunded');
  }

  /**
   * Says that money leaves the campaign in this unit of work. From then on it can neither collapse nor be cancelled.
   * Refuses with CAMPAIGN_NOT_FOUND, CAMPAIGN_STATE_INVALID, CAMPAIGN_SAFETY_WINDOW_OPEN or CAMPAIGN_BELOW_GOAL.
   */
  async disbursed(tx: Tx, id: string): Promise<Outcome<void>> {
    const campaign = await lockCampaign(tx, id);
    if (!campaign) return refuseCampaign('CAMPAIGN_NOT_FOUND', ['input', 'campaignId']);
    if (!PAYS.has(campaign.state)) return wrongState(campaign);
    if (campaign.disbursedAt !== null) return undefined;
    if (campaign.safetyEndsAt !== null && tx.now < campaign.safetyEndsAt)
      return refuseCampaign(
        'CAMPAIGN_SAFETY_WINDOW_OPEN',
        ['input', 'campaignId'],
        `It is over at ${campaign.safetyEndsAt.toISOString()}.`,
      );
    const { funding, netMinor } = await this.life.standing(tx, campaign, true);
    if (isCollapsed(funding))
      return refuseCampaign('CAMPAIGN_BELOW_GOAL', ['input', 'campaignId'], `It holds ${netMinor}.`);
    await tx.query('UPDATE campaign SET disbursed_at = $2 WHERE id = $1', [id, tx.now]);
    return undefined;
  }

  /** The last payout was made and every reserve window is over. Refuses with CAMPAIGN_NOT_FOUND, CAMPAIGN_STATE_INVALID. */
  async close(tx: Tx, id: string): Promise<Outcome<void>> {
    const campaign = await lockCampaign(tx, id);
    if (!campaign) return refuseCampaign('CAMPAIGN_NOT_FOUND', ['input', 'campaignId']);
    if (campaign.state === 'closed') return undefined;
    const to = campaignMachine.next(campaign.state, 'close');
    if (to === undefined) return wrongState(campaign);
    await writeState(tx, id, to);
    tx.emit(event('campaign.closed', id, {}));
    return undefined;
  }

  private async windUp(tx: Tx, id: string, step: CampaignEvent, emitted: string): Promise<void> {
    const campaign = await lockCampaign(tx, id);
    const to = campaign && campaignMachine.next(campaign.state, step);
    if (to === undefined || !campaign?.liveAt) return;
    await writeState(tx, id, to);
    tx.emit(event(emitted, id, {}));
  }
}

const PAYS: ReadonlySet<string> = new Set(['succeeded', 'training', 'completed']);

const wrongState = (campaign: CampaignRow) =>
  refuseCampaign('CAMPAIGN_STATE_INVALID', ['input', 'campaignId'], `It is ${campaign.state}.`);
