import { Inject, Injectable } from '@nestjs/common';
import { type KeyObject, createHash, createPublicKey } from 'node:crypto';
import type { Clock } from '#kernel';
import { type Outcome, isRefused } from '#kernel';
import { CLOCK, GroupCommitter, UnitOfWork } from '#platform';
import { SIGNATURE_WINDOW_MS, type SignatureClaim, readSignature, verifyContentDigest } from '#protocol';
import type { NodeState } from '../domain/node.machine.js';
import { refuseNode } from '../nodes.refusal.js';

/** What the guard knows of the node that calls. */
export interface AgentNode {
  readonly nodeId: string;
  readonly state: NodeState;
  /** SHA-256 (hex) of the body, as signed. */
  readonly bodySha256: string;
  /** False when the body still streams: its reader must compare it with `bodySha256`. */
  readonly bodyVerified: boolean;
}

/** The parts of an HTTP request that a signature needs. */
export interface AgentHttpRequest {
  readonly method: string;
  readonly originalUrl: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly rawBody?: Buffer | undefined;
  readonly body?: unknown;
}

interface Seen {
  readonly isFresh: boolean;
  readonly state: NodeState | null;
}

const KEY_CACHE_SIZE = 50_000;
const EMPTY_SHA256 = createHash('sha256').digest('hex');
const isUuidText = (text: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);

/**
 * Decides whether a request is what a node signed.
 *  1. Form, window and digest are checked before the database is asked for anything.
 *  2. A nonce is recorded only after the signature proved right, so that nobody can fill the table with noise.
 *  3. Nonces are kept for twice the window: as long as any signature with them could be accepted.
 *  4. Look-ups and nonces of concurrent requests share one statement each. Public keys never change, so they are kept.
 */
@Injectable()
export class AgentAuthenticator {
  private readonly keys = new Map<string, KeyObject>();
  private readonly lookups: GroupCommitter<string, KeyObject | null>;
  private readonly nonces: GroupCommitter<{ keyId: string; nonce: string; expiresAt: Date }, Seen>;

  constructor(
    private readonly uow: UnitOfWork,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    this.lookups = new GroupCommitter((ids) => this.readKeys(ids));
    this.nonces = new GroupCommitter((batch) => this.recordNonces(batch));
  }

  /** The calling node, or why it isn't believed. */
  async authenticate(request: AgentHttpRequest): Promise<Outcome<AgentNode>> {
    const claim = this.read(request);
    if (isRefused(claim)) return claim;
    const publicKey = isUuidText(claim.keyId) ? await this.publicKey(claim.keyId) : null;
    if (publicKey === null) return refuseNode('AGENT_UNKNOWN_NODE');
    const seen = await this.accept(claim, publicKey);
    if (isRefused(seen)) return seen;
    if (seen.state === null) return refuseNode('AGENT_UNKNOWN_NODE');
    if (seen.state === 'retired') return refuseNode('AGENT_NODE_RETIRED');
    return { nodeId: claim.keyId, state: seen.state, bodySha256: claim.bodySha256, bodyVerified: isWhole(request) };
  }

  /** A request of somebody who is not a node yet, signed with the key that it announces. */
  async authenticateKey(request: AgentHttpRequest, publicKey: string, thumbprint: string): Promise<Outcome<void>> {
    const claim = this.read(request);
    if (isRefused(claim)) return claim;
    if (claim.keyId !== thumbprint)
      return refuseNode('AGENT_SIGNATURE_INVALID', 'keyid is not the thumbprint of the announced key');
    const seen = await this.accept(claim, publicKey);
    if (isRefused(seen)) return seen;
  }

  private read(request: AgentHttpRequest): Outcome<SignatureClaim> {
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
    );
    const read = readSignature({ method: request.method, target: request.originalUrl, headers }, this.clock.now());
    if (!read.ok) return refuseNode(read.fault, read.why);
    if (request.rawBody && !verifyContentDigest(headers['content-digest'] ?? '', request.rawBody))
      return refuseNode('AGENT_DIGEST_MISMATCH');
    if (request.body !== undefined && !isWhole(request)) {
      throw new Error('a body was parsed without being kept: the application must be made with rawBody: true');
    }
    if (hasNoBody(request) && read.claim.bodySha256 !== EMPTY_SHA256) return refuseNode('AGENT_DIGEST_MISMATCH');
    return read.claim;
  }

  private async accept(claim: SignatureClaim, publicKey: string | KeyObject): Promise<Outcome<Seen>> {
    if (!claim.verify(publicKey)) return refuseNode('AGENT_SIGNATURE_INVALID');
    const expiresAt = new Date(claim.created.getTime() + 2 * SIGNATURE_WINDOW_MS + 1_000);
    const seen = await this.nonces.submit({ keyId: claim.keyId, nonce: claim.nonce, expiresAt });
    return seen.isFresh ? seen : refuseNode('AGENT_REPLAYED');
  }

  private async publicKey(nodeId: string): Promise<KeyObject | null> {
    const known = this.keys.get(nodeId);
    if (known !== undefined) return known;
    const key = await this.lookups.submit(nodeId);
    if (key !== null) {
      if (this.keys.size >= KEY_CACHE_SIZE) this.keys.clear();
      this.keys.set(nodeId, key);
    }
    return key;
  }

  private async readKeys(ids: string[]): Promise<(KeyObject | null)[]> {
    const rows = await this.uow.read((tx) =>
      tx.query<{ id: string; public_key: string }>('SELECT id, public_key FROM node WHERE id = ANY($1::uuid[])', [ids]),
    );
    const found = new Map(rows.map((row) => [row.id, keyObject(row.public_key)]));
    return ids.map((id) => found.get(id) ?? null);
  }

  private async recordNonces(batch: { keyId: string; nonce: string; expiresAt: Date }[]): Promise<Seen[]> {
    const outcome = await this.uow.run('agent-nonces', (tx) =>
      tx.query<{ position: number; is_fresh: boolean; state: NodeState | null }>(
        `WITH asked AS MATERIALIZED (
           SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[]) WITH ORDINALITY AS u(key_id, nonce, expires_at, position)
         ), kept AS (
           INSERT INTO node_nonce (key_id, nonce, expires_at)
           SELECT DISTINCT ON (key_id, nonce) key_id, nonce, expires_at FROM asked ORDER BY key_id, nonce
           ON CONFLICT DO NOTHING
           RETURNING key_id, nonce
         )
         SELECT a.position::integer AS position, n.state,
                k.nonce IS NOT NULL AND a.position = min(a.position) OVER (PARTITION BY a.key_id, a.nonce) AS is_fresh
           FROM asked a
           LEFT JOIN kept k USING (key_id, nonce)
           LEFT JOIN node n ON n.id = CASE WHEN length(a.key_id) = 36 THEN a.key_id::uuid END
          ORDER BY a.position`,
        [batch.map((b) => b.keyId), batch.map((b) => b.nonce), batch.map((b) => b.expiresAt)],
      ),
    );
    if (isRefused(outcome)) throw new Error('recording nonces is never refused');
    return outcome.map((row) => ({ isFresh: row.is_fresh, state: row.state }));
  }
}

const keyObject = (x: string): KeyObject => createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });

/** True for a request that says it carries nothing. */
function hasNoBody({ headers, rawBody }: AgentHttpRequest): boolean {
  const length = headers['content-length'];
  return (
    rawBody === undefined && headers['transfer-encoding'] === undefined && (length === undefined || length === '0')
  );
}

/** True when the whole body has been read and compared with its digest. */
const isWhole = (request: AgentHttpRequest): boolean => request.rawBody !== undefined || hasNoBody(request);
