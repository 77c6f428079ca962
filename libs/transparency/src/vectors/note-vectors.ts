/** Runs files of the form of signed-note-checkpoint.json: notes, keys, cosignatures, checkpoints, tlog-proofs, tile paths. */
import { fromBase64, toBase64, utf8 } from '../merkle/bytes.js';
import { parseTilePath, tileCounts, tilePath, TILE_WIDTH } from '../merkle/tiles.js';
import {
  cosignatureTimestamp,
  formatVerifierKey,
  openSignedNote,
  parseCheckpoint,
  parseSignatureLine,
  parseSignedNote,
  parseTlogProof,
  parseVerifierKey,
} from '../notes/index.js';
import { type CaseResult, isRecord, records, strings } from './vector-case.js';

export function isNoteVectors(file: unknown): file is Record<string, unknown> {
  return isRecord(file) && Array.isArray(file['signing']) && Array.isArray(file['checkpoints']);
}

export async function runNoteVectors(file: Record<string, unknown>): Promise<CaseResult[]> {
  const proofs = isRecord(file['tlog_proof']) ? file['tlog_proof'] : {};
  return [
    ...(await noteCases(file)),
    ...strings(file['bad_vkeys']).map((vkey, i) => ({
      id: `bad_vkeys/${i}`,
      ok: parseVerifierKey(vkey) === undefined,
    })),
    ...strings(file['cosig_vkeys_ok']).map((vkey, i) => ({ id: `cosig_vkeys_ok/${i}`, ok: roundTrips(vkey) })),
    ...records(file['cosig_timestamp']).map((c, i) => ({
      id: `cosig_timestamp/${i}`,
      ok: timestampOf(String(c['sig'])) === (c['wantErr'] === true ? undefined : c['unix']),
    })),
    ...records(file['checkpoints']).map((c, i) => ({ id: `checkpoints/${i}`, ok: checkpointCase(c) })),
    ...strings(proofs['valid']).map((text, i) => ({
      id: `tlog_proof/valid/${i}`,
      ok: parseTlogProof(text) !== undefined,
    })),
    ...(Array.isArray(proofs['invalid']) ? proofs['invalid'] : []).map((pair: unknown) => {
      const [name, text] = strings(pair);
      return { id: `tlog_proof/invalid/${name}`, ok: parseTlogProof(text ?? '') === undefined };
    }),
    ...cosignatureCase(file['cosignature_v1_ed25519']),
    ...records(file['tile_paths_c2sp']).map((c) => ({ id: `tile_paths/${String(c['path'])}`, ok: tilePathCase(c) })),
    ...tileCountCase(file['tile_counts_c2sp']),
  ];
}

async function noteCases(file: Record<string, unknown>): Promise<CaseResult[]> {
  const pairs = [...records(file['signing']), ...(isRecord(file['c2sp_example']) ? [file['c2sp_example']] : [])];
  const results: CaseResult[] = [];
  for (const [i, pair] of pairs.entries()) {
    const vkey = parseVerifierKey(String(pair['vkey']));
    const note = String(pair['note']);
    results.push({
      id: `note/${i}/opens`,
      ok: vkey !== undefined && (await openSignedNote(note, [vkey])) !== undefined,
    });
    const changed = note.replace(/^./, (first) => (first === 'X' ? 'Y' : 'X'));
    results.push({
      id: `note/${i}/changed-text`,
      ok: vkey !== undefined && (await openSignedNote(changed, [vkey])) === undefined,
    });
  }
  const second = file['second_signer'];
  const first = pairs[0];
  if (isRecord(second) && first) {
    const keys = [parseVerifierKey(String(first['vkey'])), parseVerifierKey(String(second['vkey']))].filter(
      (key) => key !== undefined,
    );
    const opened = await openSignedNote(String(first['note']) + String(second['line']), keys);
    results.push({ id: 'note/second-signer', ok: opened?.verifiedBy.length === 2 });
  }
  return results;
}

function roundTrips(vkey: string): boolean {
  const key = parseVerifierKey(vkey);
  return key !== undefined && formatVerifierKey(key) === vkey;
}

function timestampOf(signature: string): number | undefined {
  // These are a note line's base64: key id, then the cosignature.
  const bytes = fromBase64(signature);
  return bytes && cosignatureTimestamp(bytes.slice(4));
}

function checkpointCase(c: Record<string, unknown>): boolean {
  const parsed = parseCheckpoint(String(c['m']));
  if (c['wantErr'] === true) return parsed === undefined;
  return parsed?.origin === c['origin'] && parsed?.size === c['size'] && parsed?.extension === (c['rest'] ?? '');
}

function cosignatureCase(value: unknown): CaseResult[] {
  if (!isRecord(value)) return [];
  const witness = parseSignatureLine(String(value['witness_line']).trimEnd());
  const parsed = parseSignedNote(
    `${String(value['checkpoint'])}\n${String(value['log_line'])}${String(value['witness_line'])}`,
  );
  return [
    {
      id: 'cosignature/timestamp',
      ok: witness !== undefined && cosignatureTimestamp(witness.signature) === value['expected_timestamp'],
    },
    {
      id: 'cosignature/note',
      ok:
        parsed?.text === value['checkpoint'] &&
        parsed?.signatures.length === 2 &&
        toBase64(utf8(parsed.text)).length > 0,
    },
  ];
}

function tilePathCase(c: Record<string, unknown>): boolean {
  const path = `tile/0/${String(c['path'])}`;
  return (
    parseTilePath(path)?.index === c['index'] &&
    tilePath({ level: 0, index: Number(c['index']), width: TILE_WIDTH }) === path
  );
}

function tileCountCase(value: unknown): CaseResult[] {
  if (!isRecord(value)) return [];
  const size = Number(value['treeSize']);
  return [0, 1, 2].flatMap((level) =>
    (['full', 'partial'] as const)
      .filter((kind) => value[`${kind}${level}`] !== undefined)
      .map((kind) => ({
        id: `tile_counts/${kind}${level}`,
        ok: tileCounts(level, size)[kind] === value[`${kind}${level}`],
      })),
  );
}
