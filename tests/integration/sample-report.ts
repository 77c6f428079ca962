/** The main job's report, signed by a fixed key: what the specs of files and pages stand on. */
import { SigningKey } from '#transparency';
import { bytes, leafBytes, notes, portableTreeHash as hash, tree } from '#transparency/pure';
import { type CitedEvent, eventOfLeaf } from '../../libs/reports/src/domain/cited-event.js';
import { type RunReport, runReport, reportText } from '../../libs/reports/src/domain/run-report.js';
import { SIGNED_REPORT_FORMAT, type SignedReport } from '../../libs/reports/src/domain/signed-report.js';
import { CAMPAIGN, mainRunEvents, RECIPE, RUN } from './main-run.js';

export const key = SigningKey.fromSeed('test.example/log', new Uint8Array(32).fill(9));
export const subject = { runId: RUN, campaignId: CAMPAIGN, recipeId: RECIPE };
export const leaves = mainRunEvents().map(([type, payload], i) =>
  leafBytes({
    id: `01900000-0000-7000-8000-${String(i).padStart(12, '0')}`,
    type,
    position: BigInt(i),
    occurredAt: new Date(Date.UTC(2026, 10, 24, 12, 0, i)),
    payload,
  }),
);
export const events = leaves.map((data, i) => eventOfLeaf(i, data) as CitedEvent);
export const log = new tree.MemoryTree(hash);
for (const leaf of leaves) log.append(hash.leaf(leaf));

/** Signs the report after a change, as its publisher could. */
export function sign(mutate: (report: RunReport) => RunReport = (report) => report): SignedReport {
  const reference = { origin: key.origin, size: log.size, rootHash: bytes.toBase64(log.root()) };
  const report = mutate(
    runReport({ reportId: 'r1', slug: 'whale-run', version: 1, corrects: null, log: reference, subject, events }),
  );
  return {
    format: SIGNED_REPORT_FORMAT,
    report,
    signature: {
      algorithm: 'Ed25519',
      key: key.verifierKeyText,
      value: bytes.toBase64(key.sign(bytes.utf8(reportText(report)))),
    },
    evidence: {
      checkpoint: key.signNote(notes.formatCheckpoint({ origin: key.origin, size: log.size, root: log.root() })),
      leaves: report.cites.map((index) => ({
        index,
        data: new TextDecoder().decode(leaves[index]),
        proof: log.inclusionProof(index).map(bytes.toBase64),
      })),
    },
  };
}
