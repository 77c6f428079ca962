import { Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { createHash, randomBytes } from 'node:crypto';
import { type Outcome, isRefused, newId } from '#kernel';
import { type Tx, UnitOfWork, type Viewer } from '#platform';
import { PROTOCOL_VERSION, keyThumbprint, type messages } from '#protocol';
import { DONOR_PLEDGES, type DonorPledges } from './donor-pledges.port.js';
import { type Window, readWindows } from './domain/hours.rule.js';
import { type NodeState, mayBecome } from './domain/node.machine.js';
import { changeStates, emitJoined } from './node.store.js';
import { refuseNode } from './nodes.refusal.js';

type SignedIn = Viewer & { kind: 'contributor' };
const JOIN_TOKEN_LIFE_MS = 24 * 60 * 60_000;
const digestOf = (secret: string): Buffer => createHash('sha256').update(secret).digest();

interface TokenRow {
  id: string;
  owner_id: string;
  name: string | null;
  compute_pledge_id: string | null;
  expires_at: Date;
  used_at: Date | null;
}

/** What people and agents may do to nodes. One method is one business action in one transaction. */
@Injectable()
export class NodesCommands {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly modules: ModuleRef,
  ) {}

  /**
   * A one-time token by which one node may join for the viewer, for a pledge of his if it names one. The text exists in
   * the answer only.
   */
  createJoinToken(
    viewer: SignedIn,
    input: { name?: string | null; computePledgeId?: string | null },
  ): Promise<Outcome<{ token: string; expiresAt: Date }>> {
    return this.uow.run('node-join-token-create', async (tx) => {
      const name = input.name?.trim();
      if (name !== undefined && (name.length < 1 || name.length > 80))
        return refuseNode('NODE_JOIN_TOKEN_NAME_INVALID', undefined, ['input', 'name']);
      const { computePledgeId } = input;
      if (computePledgeId) {
        const refused = await this.donorPledges().deliveryRefusal(tx, computePledgeId, viewer.contributorId);
        if (refused) return refused;
      }
      const token = `cwj_${randomBytes(32).toString('base64url')}`;
      const expiresAt = new Date(tx.now.getTime() + JOIN_TOKEN_LIFE_MS);
      await tx.query(
        `INSERT INTO node_join_token (id, secret_sha256, owner_id, name, compute_pledge_id, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)`,
        [newId(), digestOf(token), viewer.contributorId, name ?? null, computePledgeId ?? null, tx.now, expiresAt],
      );
      return { token, expiresAt };
    });
  }

  /** Enrols a node. The same key with the same token answers the same node, since an answer may be lost. */
  join(request: messages.JoinRequest): Promise<Outcome<{ nodeId: string; name: string }>> {
    return this.uow.run('node-join', async (tx) => {
      if (request.protocolVersion !== PROTOCOL_VERSION) {
        return refuseNode(
          'AGENT_PROTOCOL_UNSUPPORTED',
          `The platform speaks version ${PROTOCOL_VERSION}, the agent ${request.protocolVersion}.`,
        );
      }
      const [token] = await tx.query<TokenRow>(
        `SELECT id, owner_id, name, compute_pledge_id, expires_at, used_at FROM node_join_token WHERE secret_sha256 = $1 FOR UPDATE`,
        [digestOf(request.joinToken)],
      );
      if (!token) return refuseNode('AGENT_JOIN_TOKEN_UNKNOWN');
      const [existing] = await tx.query<{ id: string; name: string; join_token_id: string }>(
        'SELECT id, name, join_token_id FROM node WHERE public_key = $1',
        [request.publicKey],
      );
      if (token.used_at) {
        return existing?.join_token_id === token.id
          ? { nodeId: existing.id, name: existing.name }
          : refuseNode('AGENT_JOIN_TOKEN_USED');
      }
      if (existing) return refuseNode('AGENT_KEY_KNOWN');
      if (token.expires_at <= tx.now) return refuseNode('AGENT_JOIN_TOKEN_EXPIRED');
      return this.enrol(tx, request, token);
    });
  }

  /** Asks a running node to finish its work and leave. The agent learns it from its next heartbeat. */
  requestDrain(viewer: SignedIn, nodeId: string): Promise<Outcome<{ nodeId: string }>> {
    return this.uow.run('node-drain', async (tx) => {
      const [node] = await tx.query<{ owner_id: string; state: NodeState }>(
        'SELECT owner_id, state FROM node WHERE id = $1 FOR UPDATE',
        [nodeId],
      );
      if (!node) return refuseNode('NODE_NOT_FOUND', undefined, ['input', 'nodeId']);
      if (node.owner_id !== viewer.contributorId && !viewer.platformRoles.has('operator'))
        return refuseNode('NODE_NOT_YOURS', undefined, ['input', 'nodeId']);
      if (node.state !== 'draining' && !mayBecome(node.state, 'draining'))
        return refuseNode('NODE_NOT_RUNNING', `It is ${node.state}.`, ['input', 'nodeId']);
      if (node.state === 'lost' || node.state === 'offline')
        return refuseNode('NODE_NOT_RUNNING', `It is ${node.state}.`, ['input', 'nodeId']);
      await tx.query(`UPDATE node SET desired_state = 'draining' WHERE id = $1`, [nodeId]);
      await this.drain(tx, nodeId, node.state, { actor: `contributor:${viewer.pseudonym}`, cause: 'drain asked for' });
      return { nodeId };
    });
  }

  /** Sets the hours at which a node is lent, all at once; none means always. Running work is not cut off by them. */
  setHours(viewer: SignedIn, nodeId: string, windows: readonly Window[]): Promise<Outcome<{ nodeId: string }>> {
    return this.uow.run('node-hours-set', async (tx) => {
      const [node] = await tx.query<{ owner_id: string }>('SELECT owner_id FROM node WHERE id = $1 FOR UPDATE', [
        nodeId,
      ]);
      if (!node) return refuseNode('NODE_NOT_FOUND', undefined, ['input', 'nodeId']);
      if (node.owner_id !== viewer.contributorId) return refuseNode('NODE_NOT_YOURS', undefined, ['input', 'nodeId']);
      const read = readWindows(windows);
      if (isRefused(read)) return read;
      await tx.query('DELETE FROM node_window WHERE node_id = $1', [nodeId]);
      await tx.query(
        `INSERT INTO node_window (node_id, position, rrule, duration_minutes)
         SELECT $1, position, rrule, minutes FROM unnest($2::text[], $3::int[]) WITH ORDINALITY AS w(rrule, minutes, position)`,
        [nodeId, read.map((window) => window.rrule), read.map((window) => window.durationMinutes)],
      );
      return { nodeId };
    });
  }

  /** The agent says that it drains. */
  draining(nodeId: string): Promise<Outcome<void>> {
    return this.uow.run('agent-drain', async (tx) => {
      const [node] = await tx.query<{ state: NodeState }>('SELECT state FROM node WHERE id = $1 FOR UPDATE', [nodeId]);
      if (node) await this.drain(tx, nodeId, node.state, { actor: 'agent', cause: 'drain announced' });
    });
  }

  /** The agent says that it stops; `retire` ends the enrolment for good. */
  leave(nodeId: string, retire: boolean): Promise<Outcome<void>> {
    return this.uow.run('agent-leave', async (tx) => {
      const [node] = await tx.query<{ state: NodeState }>('SELECT state FROM node WHERE id = $1 FOR UPDATE', [nodeId]);
      const to = retire ? 'retired' : 'offline';
      if (!node || node.state === to) return;
      await tx.query(`UPDATE node SET desired_state = 'available' WHERE id = $1`, [nodeId]);
      const taken = mayBecome(node.state, to)
        ? await changeStates(tx, [{ nodeId, from: node.state, to }], {
            actor: 'agent',
            cause: retire ? 'retired' : 'left',
          })
        : [];
      // A node that had left or was lost has said its goodbye in the public record already.
      if (taken.length > 0 && node.state !== 'offline' && node.state !== 'lost') {
        tx.emit({ type: 'node.left', aggregateType: 'node', aggregateId: nodeId, payload: { nodeId }, isPublic: true });
      }
    });
  }

  private async drain(tx: Tx, nodeId: string, from: NodeState, why: { actor: string; cause: string }): Promise<void> {
    if (!mayBecome(from, 'draining')) return;
    await changeStates(tx, [{ nodeId, from, to: 'draining' }], why);
    tx.emit({ type: 'node.draining', aggregateType: 'node', aggregateId: nodeId, payload: { nodeId }, isPublic: true });
  }

  /** Found in the whole application, because the room that implements it stands above this one. */
  private donorPledges(): DonorPledges {
    return this.modules.get<DonorPledges>(DONOR_PLEDGES, { strict: false });
  }

  private async enrol(
    tx: Tx,
    request: messages.JoinRequest,
    token: TokenRow,
  ): Promise<{ nodeId: string; name: string }> {
    const nodeId = newId();
    const name = token.name ?? request.name;
    const { inventory } = request;
    await tx.query(`UPDATE node_join_token SET used_at = $2 WHERE id = $1`, [token.id, tx.now]);
    await tx.query(
      `INSERT INTO node (id, owner_id, join_token_id, compute_pledge_id, name, gpu_class, device_count, region, public_key, key_thumbprint,
                         agent_version, inventory, state, state_actor, state_cause, state_since, joined_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'registered', 'agent', 'joined', $13, $13)`,
      [
        nodeId,
        token.owner_id,
        token.id,
        token.compute_pledge_id,
        name,
        inventory.class,
        inventory.count,
        request.region,
        request.publicKey,
        keyThumbprint(request.publicKey),
        request.agentVersion,
        JSON.stringify(inventory),
        tx.now,
      ],
    );
    await tx.query(`INSERT INTO node_liveness (node_id, last_seen_at) VALUES ($1, $2)`, [nodeId, tx.now]);
    await emitJoined(tx, nodeId);
    return { nodeId, name };
  }
}

/** Throws for a refusal where none is possible. */
export function certain<T>(outcome: Outcome<T>): T {
  if (isRefused(outcome)) throw new Error(`unexpected refusal ${outcome.first.code}`);
  return outcome;
}
