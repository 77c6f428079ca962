import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { equalBytes, utf8 } from '../merkle/bytes.js';
import { MemoryTree } from '../merkle/tree.js';
import { portableTreeHash as hash } from '../merkle/tree-hash.js';
import {
  cosignatureMessage,
  formatCheckpoint,
  formatSignedNote,
  formatTlogProof,
  formatVerifierKey,
  KEY_TYPE,
  makeVerifierKey,
  openCheckpoint,
  openSignedNote,
  parseVerifierKey,
  verifyTlogProof,
  type VerifierKey,
} from './index.js';

function signer(
  name: string,
  type: VerifierKey['type'] = KEY_TYPE.ed25519,
): {
  key: VerifierKey;
  line: (text: string, time?: number) => { name: string; keyId: Uint8Array; signature: Uint8Array };
} {
  const { privateKey } = generateKeyPairSync('ed25519');
  const raw = new Uint8Array(
    createPublicKey(createPrivateKey(privateKey.export({ format: 'pem', type: 'pkcs8' })))
      .export({ format: 'der', type: 'spki' })
      .subarray(-32),
  );
  const key = makeVerifierKey(name, raw, type);
  const line = (text: string, time?: number) => {
    if (time === undefined)
      return { name, keyId: key.id, signature: new Uint8Array(sign(null, utf8(text), privateKey)) };
    const signature = new Uint8Array(72);
    new DataView(signature.buffer).setBigUint64(0, BigInt(time));
    signature.set(sign(null, cosignatureMessage(text, time), privateKey), 8);
    return { name, keyId: key.id, signature };
  };
  return { key, line };
}

const log = signer('commonweights.example/log');
const witness = signer('witness.example/w1', KEY_TYPE.ed25519Cosignature);
const tree = new MemoryTree(hash);
for (let i = 0; i < 9; i += 1) tree.append(hash.leaf(utf8(`entry ${i}`)));
const text = formatCheckpoint({ origin: log.key.name, size: 9, root: tree.root() });
const note = formatSignedNote({ text, signatures: [log.line(text), witness.line(text, 1_700_000_000)] });

describe('a verifier key', () => {
  it('survives being written down', () => {
    expect(parseVerifierKey(formatVerifierKey(log.key))).toEqual(log.key);
  });

  it('is refused when its id is not its own', () => {
    expect(parseVerifierKey(formatVerifierKey(log.key).replace(/\+[0-9a-f]{8}\+/, '+00000000+'))).toBeUndefined();
  });
});

describe('a checkpoint', () => {
  it('opens with the key of its log and tells who cosigned it, and when', async () => {
    const opened = await openCheckpoint(note, log.key, [witness.key]);
    expect(opened?.checkpoint.size).toBe(9);
    expect(equalBytes(opened?.checkpoint.root ?? new Uint8Array(), tree.root())).toBe(true);
    expect(opened?.note.verifiedBy.map(({ key, timestamp }) => [key.name, timestamp])).toEqual([
      ['commonweights.example/log', undefined],
      ['witness.example/w1', 1_700_000_000],
    ]);
  });

  it('does not open with a witness alone, with another log of the same name, or when changed', async () => {
    expect(await openCheckpoint(note, signer('other.example/log').key, [witness.key])).toBeUndefined();
    expect(await openCheckpoint(note, signer(log.key.name).key)).toBeUndefined();
    expect(await openCheckpoint(note.replace('\n9\n', '\n8\n'), log.key)).toBeUndefined();
    expect(await openCheckpoint(note.replace('\n9\n', '\n09\n'), log.key)).toBeUndefined();
  });

  it('is rejected whole when a known witness signed something else', async () => {
    const forged = formatSignedNote({ text, signatures: [log.line(text), witness.line('something else\n', 1)] });
    expect(await openSignedNote(forged, [log.key, witness.key])).toBeUndefined();
    expect(await openSignedNote(forged, [log.key])).toBeDefined();
  });

  it('whose origin is not the key name is refused', async () => {
    const other = formatCheckpoint({ origin: 'elsewhere.example/log', size: 9, root: tree.root() });
    expect(
      await openCheckpoint(formatSignedNote({ text: other, signatures: [log.line(other)] }), log.key),
    ).toBeUndefined();
  });
});

describe('a tlog-proof', () => {
  it('proves its entry and no other', async () => {
    const proof = formatTlogProof({ index: 4, proof: tree.inclusionProof(4), checkpoint: note });
    expect(await verifyTlogProof(proof, utf8('entry 4'), log.key, hash)).toBe(true);
    expect(await verifyTlogProof(proof, utf8('entry 5'), log.key, hash)).toBe(false);
    expect(await verifyTlogProof(proof.replace('index 4', 'index 5'), utf8('entry 4'), log.key, hash)).toBe(false);
  });
});
