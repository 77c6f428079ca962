/**
 * Checks a downloaded report inside a page: no server, no Node, WebCrypto's Ed25519 (Chrome 137, Firefox 129,
 * Safari 17 and later). Bundle this file with the `source` condition, so that `#kernel` and `#transparency/pure` resolve.
 */
import { type Verification, verifySignedReport } from './domain/signed-report.js';

export type { Check, Verification } from './domain/signed-report.js';

/** `json` is the text of the `.json` download as it came; `key` the verifier key that the reader trusts. */
export function verifyReport(json: string, key?: string, checkpoint?: string): Promise<Verification> {
  return verifySignedReport(json, {
    ...(key === undefined ? {} : { key }),
    ...(checkpoint === undefined ? {} : { checkpoint }),
  });
}
