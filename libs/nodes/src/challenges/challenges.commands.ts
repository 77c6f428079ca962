import { Injectable } from '@nestjs/common';
import { type Outcome, isRefused, newId } from '#kernel';
import { type Tx, UnitOfWork, type Viewer } from '#platform';
import { challengeSeed, inBetween, type messages, verifyOpeningSteps } from '#protocol';
import { type NodeState, mayBecome } from '../domain/node.machine.js';
import { changeStates } from '../node.store.js';
import { certain } from '../nodes.commands.js';
import { type NodesRefusal, refuseNode } from '../nodes.refusal.js';
import { type EndFault, OPEN_WITHIN_MS, afterFailure, rateShown, trialFor } from './challenge.rule.js';
import {
  type ChallengeRow,
  endChallenge,
  issueChallenges,
  liveChallenges,
  lockChallenge,
  openedChallenges,
  overdueChallenges,
  startChallenge,
  takeCommitment,
  takeOpening,
  triesBefore,
} from './challenge.store.js';

type SignedIn = Viewer & { kind: 'contributor' };
const CHECKED_A_TICK = 8;
const TEXT = { min: 10, max: 2_000 };

/** What nodes, their owners and operators may do about hardware challenges. Repeating a call answers what the first one did. */
@Injectable()
export class ChallengesCommands {
  constructor(private readonly uow: UnitOfWork) {}

  /** The node is ready for a challenge: its time begins now. */
  start(nodeId: string, challengeId: string): Promise<Outcome<messages.ChallengeStarted>> {
    return this.uow.run('node-challenge-start', async (tx) => {
      const challenge = await lockChallenge(tx, nodeId, challengeId);
      if (!challenge) return refuseNode('NODE_CHALLENGE_UNKNOWN');
      if (challenge.nonce && challenge.state === 'started')
        return { nonce: challenge.nonce.toString('hex'), answerBy: challenge.answerBy.toISOString() };
      if (challenge.state !== 'issued') return refuseNode('NODE_CHALLENGE_OVER', `It is ${challenge.state}.`);
      const [node] = await tx.query<{ state: NodeState; gpu_class: string }>(
        'SELECT state, gpu_class FROM node WHERE id = $1',
        [nodeId],
      );
      if (!node) return refuseNode('NODE_CHALLENGE_UNKNOWN');
      const { withinMs } = trialFor(node.gpu_class);
      const nonce = await startChallenge(tx, challengeId, withinMs);
      await this.move(tx, nodeId, node.state, 'benchmarking', { actor: 'agent', cause: 'challenge begun' });
      return { nonce: nonce.toString('hex'), answerBy: new Date(tx.now.getTime() + withinMs).toISOString() };
    });
  }

  /** The node commits to what it worked out, and learns what will be looked at. */
  commit(nodeId: string, challengeId: string, commitment: Buffer): Promise<Outcome<messages.ChallengeReveal>> {
    return this.uow.run('node-challenge-commit', async (tx) => {
      const challenge = await lockChallenge(tx, nodeId, challengeId);
      if (!challenge) return refuseNode('NODE_CHALLENGE_UNKNOWN');
      if (challenge.reveal && challenge.state === 'committed') {
        if (!challenge.commitment?.equals(commitment)) return refuseNode('NODE_CHALLENGE_COMMITTED');
        return { reveal: challenge.reveal.toString('hex') };
      }
      // Too late is said here, and booked by the clock that also sees those who never answer.
      if (challenge.state !== 'started') return refuseNode('NODE_CHALLENGE_OVER', `It is ${challenge.state}.`);
      if (tx.now > challenge.answerBy) return refuseNode('NODE_CHALLENGE_LATE');
      return { reveal: (await takeCommitment(tx, challengeId, commitment)).toString('hex') };
    });
  }

  /** The node opens what it committed to. Whether that proves anything is found out by {@link checkOpened}. */
  open(
    nodeId: string,
    challengeId: string,
    opening: messages.ChallengeOpening['opening'],
  ): Promise<Outcome<{ challengeId: string }>> {
    return this.uow.run('node-challenge-open', async (tx) => {
      const challenge = await lockChallenge(tx, nodeId, challengeId);
      if (!challenge) return refuseNode('NODE_CHALLENGE_UNKNOWN');
      if (challenge.state === 'committed') await takeOpening(tx, challengeId, opening);
      else if (challenge.state === 'issued' || challenge.state === 'started')
        return refuseNode('NODE_CHALLENGE_OVER', 'It was opened before it was committed to.');
      return { challengeId };
    });
  }

  /** Checks what was opened, a few at a time, letting other work in between; then books what came of it. Returns how many. */
  async checkOpened(): Promise<number> {
    const waiting = await this.uow.read((tx) => openedChallenges(tx, CHECKED_A_TICK));
    for (const { id, nodeId, publicKey } of waiting) {
      const challenge = await this.uow.read((tx) => readOpened(tx, id));
      if (!challenge) continue;
      const { plan, nonce, commitment, reveal, opening } = challenge;
      const seed = challengeSeed(nonce, Buffer.from(publicKey, 'base64url'), id);
      const verdict = await inBetween(verifyOpeningSteps(seed, plan, commitment, reveal, opening));
      certain(
        await this.uow.run('node-challenge-check', async (tx) => {
          const row = await lockChallenge(tx, nodeId, id);
          if (row?.state !== 'opened') return;
          if (verdict.fault === undefined) await this.pass(tx, row);
          else await this.fail(tx, row, verdict.fault, verdict.detail);
        }),
      );
    }
    return waiting.length;
  }

  /** Ends challenges that were not answered in time. Returns how many. */
  async endOverdue(): Promise<number> {
    const overdue = await this.uow.read((tx) => overdueChallenges(tx, OPEN_WITHIN_MS));
    for (const { id, nodeId, fault, detail } of overdue) {
      certain(
        await this.uow.run('node-challenge-overdue', async (tx) => {
          const row = await lockChallenge(tx, nodeId, id);
          if (row && ['issued', 'started', 'committed'].includes(row.state)) await this.fail(tx, row, fault, detail);
        }),
      );
    }
    return overdue.length;
  }

  /** Challenges nodes again whose time has come and who have nothing to do just now. Returns how many. */
  async challengeAgain(): Promise<number> {
    return certain(
      await this.uow.run('node-challenge-again', async (tx) => {
        const due = await tx.query<{ id: string }>(
          `SELECT id FROM node WHERE state = 'idle' AND challenge_due_at <= $1 ORDER BY challenge_due_at LIMIT 50 FOR UPDATE SKIP LOCKED`,
          [tx.now],
        );
        const nodeIds = due.map((row) => row.id);
        await tx.query('UPDATE node SET verified_at = NULL, challenge_due_at = NULL WHERE id = ANY($1::uuid[])', [
          nodeIds,
        ]);
        await changeStates(
          tx,
          nodeIds.map((nodeId) => ({ nodeId, from: 'idle', to: 'attesting' })),
          { actor: 'platform', cause: 'challenged again' },
        );
        await issueChallenges(tx, nodeIds, 'repeat');
        return { challenged: nodeIds.length };
      }),
    ).challenged;
  }

  /** The owner of a node in quarantine says why it should come out. */
  appeal(viewer: SignedIn, nodeId: string, statement: string): Promise<Outcome<{ nodeId: string }>> {
    return this.uow.run('node-appeal', async (tx) => {
      const [node] = await tx.query<{ owner_id: string; state: NodeState }>(
        'SELECT owner_id, state FROM node WHERE id = $1 FOR UPDATE',
        [nodeId],
      );
      if (!node) return refuseNode('NODE_NOT_FOUND', undefined, ['input', 'nodeId']);
      if (node.owner_id !== viewer.contributorId) return refuseNode('NODE_NOT_YOURS', undefined, ['input', 'nodeId']);
      const text = words(statement, 'NODE_APPEAL_STATEMENT_INVALID', 'statement');
      if (isRefused(text)) return text;
      if (node.state !== 'quarantined') return refuseNode('NODE_NOT_QUARANTINED', `It is ${node.state}.`);
      const filed = await tx.query(
        `INSERT INTO node_appeal (id, node_id, statement, filed_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (node_id) WHERE decided_at IS NULL DO NOTHING RETURNING id`,
        [newId(), nodeId, text, tx.now],
      );
      if (filed.length === 0) return refuseNode('NODE_APPEAL_PENDING');
      tx.emit({ type: 'node.appealed', aggregateType: 'node', aggregateId: nodeId, payload: { nodeId } });
      return { nodeId };
    });
  }

  /** An operator decides an appeal. Lifted: the node is challenged anew, and gives again once it has passed. */
  decideAppeal(
    viewer: SignedIn,
    input: { nodeId: string; lift: boolean; reason: string },
  ): Promise<Outcome<{ nodeId: string }>> {
    const { nodeId, lift } = input;
    return this.uow.run('node-appeal-decide', async (tx) => {
      const [node] = await tx.query<{ owner_id: string; state: NodeState }>(
        'SELECT owner_id, state FROM node WHERE id = $1 FOR UPDATE',
        [nodeId],
      );
      if (!node) return refuseNode('NODE_NOT_FOUND', undefined, ['input', 'nodeId']);
      if (node.owner_id === viewer.contributorId) return refuseNode('NODE_APPEAL_OWN', undefined, ['input', 'nodeId']);
      const reason = words(input.reason, 'NODE_APPEAL_REASON_INVALID', 'reason');
      if (isRefused(reason)) return reason;
      const decided = await tx.query(
        `UPDATE node_appeal SET decision = $2, decided_by = $3, reason = $4, decided_at = $5
          WHERE node_id = $1 AND decided_at IS NULL RETURNING id`,
        [nodeId, lift ? 'lifted' : 'upheld', viewer.contributorId, reason, tx.now],
      );
      if (decided.length === 0) return refuseNode('NODE_APPEAL_NONE', undefined, ['input', 'nodeId']);
      const actor = `contributor:${viewer.pseudonym}`;
      if (lift && (await this.move(tx, nodeId, node.state, 'attesting', { actor, cause: `appeal: ${reason}` })))
        await issueChallenges(tx, [nodeId], 'appeal');
      tx.emit({
        type: 'node.appeal.decided',
        aggregateType: 'node',
        aggregateId: nodeId,
        payload: { nodeId, decision: lift ? 'lifted' : 'upheld', reason },
        isPublic: true,
      });
      return { nodeId };
    });
  }

  private async pass(tx: Tx, challenge: ChallengeRow): Promise<void> {
    await endChallenge(tx, challenge.id, { state: 'passed' });
    const { nodeId, plan, startedAt, committedAt } = challenge;
    if ((await liveChallenges(tx, nodeId)).length > 0 || !startedAt || !committedAt) return;
    const [node] = await tx.query<{ state: NodeState }>(
      'UPDATE node SET verified_at = $2 WHERE id = $1 RETURNING state',
      [nodeId, tx.now],
    );
    if (node) await this.move(tx, nodeId, node.state, 'idle', { actor: 'platform', cause: 'challenge passed' });
    const rate = rateShown(plan, startedAt, committedAt);
    tx.emit({
      type: 'node.verified',
      aggregateType: 'node',
      aggregateId: nodeId,
      payload: { nodeId, operationsPerSecond: rate.toString() },
      isPublic: true,
    });
  }

  private async fail(tx: Tx, challenge: ChallengeRow, fault: EndFault, detail: string): Promise<void> {
    const { nodeId } = challenge;
    const state = fault === 'silent' ? 'expired' : 'failed';
    await endChallenge(tx, challenge.id, { state, fault, detail });
    const [node] = await tx.query<{ state: NodeState }>('SELECT state FROM node WHERE id = $1', [nodeId]);
    if (!node) return;
    const next = afterFailure(fault, await triesBefore(tx, challenge));
    if (next === 'retry') {
      // One that has gone is challenged when it comes back.
      if (node.state !== 'attesting' && node.state !== 'benchmarking') return;
      return issueChallenges(tx, [nodeId], challenge.cause);
    }
    for (const id of await liveChallenges(tx, nodeId))
      await endChallenge(tx, id, { state: 'expired', fault: 'silent', detail: 'the node went to quarantine' });
    await tx.query('UPDATE node SET verified_at = NULL, challenge_due_at = NULL WHERE id = $1', [nodeId]);
    const cause = `device ${challenge.device}: ${fault}: ${detail}`;
    if (await this.move(tx, nodeId, node.state, 'quarantined', { actor: 'platform', cause }))
      tx.emit({
        type: 'node.quarantined',
        aggregateType: 'node',
        aggregateId: nodeId,
        payload: { nodeId, fault, device: challenge.device },
        isPublic: true,
      });
  }

  private async move(
    tx: Tx,
    nodeId: string,
    from: NodeState,
    to: NodeState,
    why: { actor: string; cause: string },
  ): Promise<boolean> {
    return mayBecome(from, to) && (await changeStates(tx, [{ nodeId, from, to }], why)).length > 0;
  }
}

interface Opened extends Omit<ChallengeRow, 'nonce' | 'commitment' | 'reveal' | 'opening'> {
  readonly nonce: Buffer;
  readonly commitment: Buffer;
  readonly reveal: Buffer;
  readonly opening: NonNullable<ChallengeRow['opening']>;
}

async function readOpened(tx: Tx, id: string): Promise<Opened | undefined> {
  const rows = await tx.query<Opened>(
    `SELECT id, plan, nonce, commitment, reveal, opening FROM node_challenge WHERE id = $1 AND state = 'opened'`,
    [id],
  );
  return rows[0];
}

function words(text: string, code: NodesRefusal, field: string): Outcome<string> {
  const trimmed = text.trim();
  const fits = trimmed.length >= TEXT.min && trimmed.length <= TEXT.max;
  return fits ? trimmed : refuseNode(code, `It has ${trimmed.length} characters.`, ['input', field]);
}
