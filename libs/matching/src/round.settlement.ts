import { createHash, createHmac } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { CampaignFunds } from '#campaigns';
import { type Json, type Outcome, type Refused, canonicalJson, isRefused } from '#kernel';
import { Ledger } from '#ledger';
import { FileStore, type Tx, UnitOfWork } from '#platform';
import { TransparencyLog } from '#transparency';
import { paymentTo, returnOf } from './domain/pool-postings.rule.js';
import { roundMachine } from './domain/round.machine.js';
import { ROUND_FORMAT, readRound } from './file/round-file.reader.js';
import { resultFile, resultOf } from './file/result-file.js';
import { refuseMatch } from './matching.refusal.js';
import { roundNotFound, wrongRoundState } from './round.commands.js';
import { roundEvent } from './round.event.js';
import { freezeGifts, frozenGifts } from './store/gift.store.js';
import { changePool } from './store/pool.store.js';
import { exclusionsOf, insertResult, resultsOf } from './store/review.store.js';
import {
  type RoundRow,
  campaignsOf,
  groupsOf,
  lockRound,
  scoresOf,
  writeMatches,
  writeRoundState,
} from './store/round.store.js';

/** Campaigns in one of these can hold money; what was matched for another stays in the pool. */
const HOLDS: ReadonlySet<string> = new Set([
  'live',
  'settling',
  'extended',
  'suspended',
  'succeeded',
  'training',
  'completed',
]);

/** What happens to a round from its cut-off on: gifts copied, result computed and signed, review, payment. */
@Injectable()
export class RoundSettlement {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly ledger: Ledger,
    private readonly funds: CampaignFunds,
    private readonly log: TransparencyLog,
    private readonly files: FileStore,
  ) {}

  /** Takes the next step of the round that is due, each once however often it is called. */
  next(id: string): Promise<Outcome<string>> {
    return this.uow.run('matching.settle', async (tx) => {
      const round = await lockRound(tx, id);
      if (!round) return roundNotFound();
      const refused = await this.take(tx, round);
      return refused ?? id;
    });
  }

  private take(tx: Tx, round: RoundRow): Promise<Refused | undefined> {
    switch (round.state) {
      case 'open':
        return this.cutOff(tx, round);
      case 'closed':
        return this.computeIn(tx, round);
      case 'computed':
        return this.finish(tx, round);
      case 'final':
        return this.pay(tx, round);
      case 'draft':
      case 'paid':
      case 'cancelled':
        return Promise.resolve(wrongRoundState(round));
    }
  }

  private async cutOff(tx: Tx, round: RoundRow): Promise<Refused | undefined> {
    if (tx.now < round.closesAt) return wrongRoundState(round);
    await freezeGifts(tx, round.id, round.opensAt, round.closesAt);
    await writeRoundState(tx, round.id, 'closed');
    tx.emit(roundEvent('match.round.closed', round, {}));
    return undefined;
  }

  /** Computes the round inside a unit of work that holds it: round file, signed result, both kept and announced. */
  async computeIn(tx: Tx, round: RoundRow): Promise<Refused | undefined> {
    const event = round.state === 'closed' ? 'compute' : 'compute_again';
    const to = roundMachine.next(round.state, event);
    if (to === undefined) return wrongRoundState(round);
    const text = canonicalJson(await this.describe(tx, round));
    const file = readRound(text);
    if (isRefused(file)) return file;
    const result = resultOf(file);
    if (isRefused(result)) return result;
    const signed = resultFile(result, await this.log.signingKey());
    const [last] = await resultsOf(tx, [round.id]);
    const resultSha256 = createHash('sha256').update(canonicalJson(result)).digest('hex');
    if (last?.resultSha256 === resultSha256) return undefined;
    const version = (last?.version ?? 0) + 1;
    // Files are kept by content: should this be rolled back, nothing points to them.
    const roundFile = (await this.files.put(Buffer.from(`${text}\n`))).sha256;
    const stored = (await this.files.put(Buffer.from(signed))).sha256;
    await insertResult(tx, {
      roundId: round.id,
      version,
      roundSha256: file.sha256,
      resultSha256,
      roundFile,
      resultFile: stored,
    });
    const projects = result['projects'] as unknown as readonly { id: string; match: string }[];
    await writeMatches(tx, round.id, 'match_minor', new Map(projects.map((p) => [p.id, BigInt(p.match)])));
    await writeRoundState(tx, round.id, to);
    tx.emit(
      roundEvent('match.round.computed', round, {
        version,
        roundSha256: file.sha256,
        resultSha256,
        files: { round: roundFile, result: stored },
        matches: projects.map(({ id, match }) => ({ campaignId: id, amountMinor: match })),
        currency: round.currency,
      }),
    );
    return undefined;
  }

  private async finish(tx: Tx, round: RoundRow): Promise<Refused | undefined> {
    const endsMs = round.closesAt.getTime() + Number(round.reviewSeconds) * 1000;
    const open = (await exclusionsOf(tx, [round.id])).some((e) => e.state === 'appealed');
    if (tx.now.getTime() < endsMs || open) return refuseMatch('MATCHING_REVIEW_OPEN', ['input', 'roundId']);
    const [result] = await resultsOf(tx, [round.id]);
    await writeRoundState(tx, round.id, 'final');
    tx.emit(roundEvent('match.round.final', round, { version: result?.version, resultSha256: result?.resultSha256 }));
    return undefined;
  }

  /** All of it in one unit of work: transfers, tallies, events and the state. */
  private async pay(tx: Tx, round: RoundRow): Promise<Refused | undefined> {
    const rows = await campaignsOf(tx, [round.id]);
    const campaigns = await this.funds.hold(
      tx,
      rows.map((row) => row.campaignId),
    );
    const paid = new Map<string, bigint>();
    for (const { campaignId, matchMinor } of rows) {
      const amount = HOLDS.has(campaigns.get(campaignId)?.state ?? '') ? (matchMinor ?? 0n) : 0n;
      paid.set(campaignId, amount);
      if (amount === 0n) continue;
      await this.funds.openCashAccounts(tx, campaignId, round.currency);
      await this.funds.book(tx, campaignId, { matchedMinor: amount });
      tx.emit(roundEvent('match.paid', round, { campaignId, amountMinor: String(amount), currency: round.currency }));
    }
    const total = [...paid.values()].reduce((sum, amount) => sum + amount, 0n);
    const left = round.poolMinor - total;
    await writeMatches(tx, round.id, 'paid_minor', paid);
    await changePool(tx, round.poolId, { grantedMinor: total });
    await writeRoundState(tx, round.id, 'paid', { paidMinor: total });
    tx.emit(
      roundEvent('match.round.paid', round, {
        paidMinor: String(total),
        leftMinor: String(left),
        currency: round.currency,
      }),
    );
    // Last, because it takes the hot balance rows: they stay locked until the commit.
    const transfers = [...paid].flatMap(([id, amount]) => (amount > 0n ? [paymentTo(round, id, amount)] : []));
    const posted = await this.ledger.post(tx, left > 0n ? [...transfers, returnOf(round, left)] : transfers);
    return isRefused(posted) ? posted : undefined;
  }

  /** The round as a file that anybody computes again; donors and gifts by ids made from the round's salt. */
  private async describe(tx: Tx, round: RoundRow): Promise<Json> {
    const hidden = (id: string) => createHmac('sha256', round.salt).update(id).digest('hex').slice(0, 24);
    const campaigns = await campaignsOf(tx, [round.id]);
    const gifts = await frozenGifts(tx, round.id);
    const scores = await scoresOf(tx, round.id);
    const exclusions = await exclusionsOf(tx, [round.id]);
    const groups = new Map<string, string[]>();
    for (const { groupId, pseudonym } of await groupsOf(tx, round.id))
      groups.set(groupId, [...(groups.get(groupId) ?? []), hidden(pseudonym)]);
    return {
      format: ROUND_FORMAT,
      currency: round.currency,
      pool: String(round.poolMinor),
      ...round.rule,
      projects: campaigns.map((c) => ({
        id: c.campaignId,
        ...(c.capMinor === null ? {} : { cap: String(c.capMinor) }),
      })),
      gifts: gifts.map((g) => ({
        id: hidden(g.pledgeId),
        project: g.campaignId,
        donor: hidden(g.pseudonym),
        amount: String(g.amountMinor),
      })),
      scores: Object.fromEntries(scores.map((s) => [hidden(s.pseudonym), s.score])),
      groups: Object.fromEntries(groups),
      exclusions: exclusions
        .filter((e) => e.state !== 'lifted')
        .map((e) => ({
          kind: e.kind === 'campaign' ? 'project' : e.kind,
          id: e.kind === 'campaign' ? e.subjectId : hidden(e.subjectId),
          reason: e.reason,
        })),
    } as unknown as Json;
  }
}
