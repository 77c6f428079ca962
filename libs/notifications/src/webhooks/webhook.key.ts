import { createHash } from 'node:crypto';
import type { SigningKey } from '#transparency';
import { SECRET_PREFIX, signedContent, symmetricSignature } from '../domain/webhook.rule.js';

export const WEBHOOK_KEY = Symbol('WEBHOOK_KEY');

/**
 * Signs what is sent to webhooks. One Ed25519 key of the platform, `keys/webhook.key` below the data folder, is all the
 * secret there is: the secret of an endpoint is drawn from it, so that no table holds any.
 */
export class WebhookKey {
  /** `load` gives the same key every time. It is asked when something is to be signed, not before. */
  constructor(private readonly load: () => Promise<SigningKey>) {}

  /** The public half as Standard Webhooks writes it: `whpk_<base64 of 32 bytes>`. */
  async publicKey(): Promise<string> {
    return `whpk_${Buffer.from((await this.load()).verifierKey.publicKey).toString('base64')}`;
  }

  /** The secret of an endpoint, `whsec_<base64 of 32 bytes>`; another number gives another secret. */
  async secret(endpointId: string, number: number): Promise<string> {
    // Ed25519 signatures of one message are always the same (RFC 8032), and nobody without the key can foretell one.
    const drawn = (await this.load()).sign(Buffer.from(`commonweights/webhook-secret/1 ${endpointId} ${number}`));
    return SECRET_PREFIX + createHash('sha256').update(drawn).digest('base64');
  }

  /** The three headers of a delivery. `timestamp` in Unix seconds. */
  async headers(
    endpoint: { readonly id: string; readonly secretNumber: number },
    id: string,
    timestamp: number,
    body: string,
  ): Promise<Record<string, string>> {
    const content = signedContent(id, timestamp, body);
    const symmetric = symmetricSignature(await this.secret(endpoint.id, endpoint.secretNumber), content);
    const asymmetric = `v1a,${Buffer.from((await this.load()).sign(Buffer.from(content))).toString('base64')}`;
    return {
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': `${symmetric} ${asymmetric}`,
    };
  }
}
