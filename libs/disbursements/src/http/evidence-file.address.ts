/** Where a file of evidence is put and fetched, by the SHA-256 of its bytes. */
export const EVIDENCE_FILES = 'evidence/files';
export const evidenceFileUrl = (sha256: string): string => `/${EVIDENCE_FILES}/${sha256}`;
