import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '#kernel';
import { SigningKey } from '#transparency';
import { bytes, notes, portableTreeHash as hash, tree } from '#transparency/pure';
import { CAMPAIGN } from '../../../tests/integration/main-run.js';
import { events, key, leaves, log, sign, subject } from '../../../tests/integration/sample-report.js';
import type { CitedEvent } from './domain/cited-event.js';
import { ratioText } from './domain/compute-facts.js';
import { selectEvents } from './domain/event-selection.js';
import { runFacts, runReport } from './domain/run-report.js';
import { type SignedReport, verifySignedReport } from './domain/signed-report.js';
import { energy, money, scientific } from './document/figure-text.js';
import { embeddedJson } from './render/html.js';
import { attachedJson } from './render/pdf-attachment.js';
import { FORMATS, type Format, render } from './render/renderings.js';

const facts = runFacts(events, subject);
const signed = sign();
const failed = async (report: SignedReport, options = {}): Promise<string[]> =>
  (await verifySignedReport(canonicalJson(report), options)).checks.filter((c) => !c.ok).map((c) => c.name);

describe('the facts of the main job', () => {
  it('keep the books', () => {
    expect(facts.money).toMatchObject({
      pledges: { created: 5, captured: 4, failed: 1, cancelled: 0, refunded: 1, disputed: 2 },
      pledgedMinor: '15000',
      capturedMinor: '13000',
      feesMinor: '250',
      refundedMinor: '500',
      disputedMinor: '4000',
      disputeFeesMinor: '3000',
      balanceMinor: '5250',
    });
    expect(facts.money.movements.map((m) => m.kind)).toEqual([
      'captured',
      'captured',
      'captured',
      'captured',
      'refunded',
      'disputed',
      'disputed',
      'dispute won',
    ]);
  });

  it('count compute, both ways, and energy', () => {
    expect(facts.compute.totals).toEqual([{ class: 'cpu', deliveredMs: '360000', acceptedMs: '270000' }]);
    expect(facts.compute.donors.map((d) => [d.contributor, d.acceptedMs, d.shareBasisPoints])).toEqual([
      ['donor-0', '135000', 5000],
      ['donor-1', '135000', 5000],
      ['donor-2', '0', 0],
    ]);
    expect(facts.flop).toEqual({
      model: '270000000000',
      hardware: '297000000000',
      ratio: '1.1000',
      within30Percent: true,
    });
    expect(facts.energy).toMatchObject({ microWh: '720000', measuredMicroWh: '300000', estimatedMicroWh: '420000' });
  });

  it('tell the training, its losses included, and nothing of anybody else', () => {
    expect(facts.training).toMatchObject({ outcome: 'completed', firstLoss: 4.5, finalLoss: 2.5, steps: '100' });
    expect(facts.training.losses).toEqual([
      { step: '1', loss: 4.5 },
      { step: '50', loss: 3.25 },
      { step: '100', loss: 2.5 },
    ]);
    expect(facts.training.nodeLosses.map((n) => n.nodeId)).toEqual(['n3']);
    expect(facts.training.attempts.map((a) => [a.number, a.members.length, a.restoredFrom])).toEqual([
      ['1', 3, null],
      ['2', 2, 'k1'],
    ]);
    expect(canonicalJson(facts)).not.toContain('nobody');
    expect(facts.events).toHaveLength(events.length - 3);
  });

  it('do not depend on the order in which events are read, nor on events of others', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(events, { minLength: events.length }), (shuffled) => {
        expect(canonicalJson(runFacts(shuffled, subject))).toBe(canonicalJson(facts));
        expect(selectEvents(selectEvents(shuffled, subject), subject)).toEqual(selectEvents(events, subject));
      }),
      { numRuns: 20 },
    );
  });

  it('always balance', () => {
    const amount = fc.bigInt({ min: 0n, max: 10n ** 18n });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(amount, amount, fc.constantFrom('captured', 'refunded', 'disputed')), { maxLength: 30 }),
        (moves) => {
          const list = moves.map(([a, f, type], index): CitedEvent => ({
            index,
            at: '',
            type: `pledge.cash.${type}`,
            payload: { campaignId: CAMPAIGN, pledgeId: `p${index}`, amountMinor: String(a), feeMinor: String(f) },
          }));
          const m = runFacts(list, subject).money;
          const total =
            BigInt(m.capturedMinor) -
            BigInt(m.feesMinor) -
            BigInt(m.refundedMinor) -
            BigInt(m.disputedMinor) -
            BigInt(m.disputeFeesMinor);
          expect(total).toBe(BigInt(m.balanceMinor));
        },
      ),
    );
  });
});

describe('figures as text', () => {
  it('are exact', () => {
    expect([
      money('123456789', 'USD'),
      money('-5', 'USD'),
      energy('1234567'),
      energy('2500000000'),
      scientific('297000000000'),
      scientific('9999999999'),
      ratioText(2n, 3n),
    ]).toEqual(['USD 1,234,567.89', 'USD -0.05', '1.234567 Wh', '2.5 kWh', '2.970 × 10¹¹', '1.000 × 10¹⁰', '0.6667']);
  });
});

// Generous, because the machines that run this are shared.
describe('a signed report', { timeout: 30_000 }, () => {
  it('verifies, with its own key and with the same key from elsewhere', async () => {
    expect(await failed(signed)).toEqual([]);
    expect(await failed(signed, { key: key.verifierKeyText, checkpoint: signed.evidence.checkpoint })).toEqual([]);
  });

  it('does not verify with another key of the same name', async () => {
    const other = SigningKey.fromSeed(key.origin, new Uint8Array(32).fill(1));
    expect(await failed(signed, { key: other.verifierKeyText })).toEqual([
      'key',
      'signature',
      'checkpoint',
      'inclusion',
    ]);
  });

  it('shows a changed figure, also when it is signed again', async () => {
    const forge = (report: SignedReport['report']): SignedReport['report'] => ({
      ...report,
      facts: { ...report.facts, money: { ...report.facts.money, capturedMinor: '13001' } },
    });
    expect(await failed({ ...signed, report: forge(signed.report) })).toEqual(['signature', 'figures']);
    expect(await failed(sign(forge))).toEqual(['figures']);
  });

  it.each(Object.keys(facts))('shows that the facts of "%s" are named otherwise', async (part) => {
    const text = canonicalJson(signed.report.facts).replace(`"${part}":`, `"0${part.slice(1)}":`);
    const renamed = sign((report) => ({ ...report, facts: JSON.parse(text) as typeof report.facts }));
    expect((await failed(renamed)).filter((name) => name !== 'form')).toEqual(part === 'subject' ? [] : ['figures']);
  });

  it('shows an event whose payload is not what its type says', async () => {
    const broken = signed.evidence.leaves.map((leaf) => ({
      ...leaf,
      data: leaf.data.replaceAll('"payload":{', '"payload":{"amountMinor":{},'),
    }));
    expect(await failed({ ...signed, evidence: { ...signed.evidence, leaves: broken } })).toContain('figures');
  });

  it('shows a changed, dropped, swapped or foreign event', async () => {
    const with_ = (
      change: (list: SignedReport['evidence']['leaves'][number][]) => SignedReport['evidence']['leaves'],
    ): SignedReport => ({ ...signed, evidence: { ...signed.evidence, leaves: change([...signed.evidence.leaves]) } });
    expect(
      await failed(
        with_((list) =>
          list.map((leaf) =>
            leaf.data.includes('giver-3') ? { ...leaf, data: leaf.data.replace('giver-3', 'giver-4') } : leaf,
          ),
        ),
      ),
    ).toContain('inclusion');
    expect(await failed(with_((list) => list.slice(1)))).toEqual(['inclusion', 'figures']);
    expect(await failed(with_((list) => [...list].toReversed()))).toContain('inclusion');
    expect(
      await failed(with_((list) => list.map((leaf, i) => (i === 0 ? { ...leaf, proof: list[1]!.proof } : leaf)))),
    ).toEqual(['inclusion']);
  });

  it('proves with the whole log that nothing was left out, and shows it when something was', async () => {
    const whole = leaves.map((leaf) => new TextDecoder().decode(leaf));
    expect(await failed(signed, { leaves: whole })).toEqual([]);
    expect(await failed(signed, { leaves: whole.slice(0, -1) })).toEqual(['completeness']);
    expect(await failed(signed, { leaves: whole.with(0, '{}') })).toEqual(['completeness']);
    // A publisher who hides the refund signs a report that is right about everything it cites.
    const withoutRefund = events.filter((event) => event.type !== 'pledge.cash.refunded');
    const hidden = sign((report) => runReport({ ...report, subject, events: withoutRefund }));
    expect(await failed(hidden)).toEqual([]);
    expect(await failed(hidden, { leaves: whole })).toEqual(['completeness']);
  });

  it('never survives a change anywhere in the file', async () => {
    const text = canonicalJson(signed);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(text.length - 1),
        fc.constantFrom('0', '1', 'a', 'A', '+', '"', ' '),
        async (at, char) => {
          if (text[at] === char) return;
          const changed = text.slice(0, at) + char + text.slice(at + 1);
          expect((await verifySignedReport(changed, { key: key.verifierKeyText })).ok).toBe(false);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('shows a log that told two histories', async () => {
    const forked = new tree.MemoryTree(hash);
    for (const leaf of leaves) forked.append(hash.leaf(bytes.concatBytes(leaf, bytes.utf8(' '))));
    const checkpoint = key.signNote(
      notes.formatCheckpoint({ origin: key.origin, size: log.size, root: forked.root() }),
    );
    expect(await failed(signed, { checkpoint })).toEqual(['known checkpoint']);
    expect(await failed({ ...signed, evidence: { ...signed.evidence, checkpoint } })).toEqual([
      'checkpoint',
      'inclusion',
    ]);
  });

  it.each([
    '',
    '{}',
    'null',
    '[]',
    '{"format":"commonweights-signed-report/v1"}',
    canonicalJson(signed).replace(',', ', '),
  ])('is not any other text (%#)', async (text) => {
    expect((await verifySignedReport(text)).checks).toMatchObject([{ name: 'form', ok: false }]);
  });
});

describe('renderings', { timeout: 30_000 }, () => {
  const digest = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');

  it.each(Object.keys(FORMATS) as Format[])(
    '%s is the same bytes every time',
    async (format) => {
      const [one, two] = [
        await render(signed, format),
        await render(JSON.parse(canonicalJson(signed)) as SignedReport, format),
      ];
      expect(digest(one)).toBe(digest(two));
    },
    30_000,
  );

  it('HTML and PDF carry the signed JSON, which verifies', async () => {
    const html = Buffer.from(await render(signed, 'html')).toString();
    expect(embeddedJson(html)).toBe(canonicalJson(signed));
    expect(html).not.toContain('whale of a <model>');
    expect(attachedJson(await render(signed, 'pdf'))).toBe(canonicalJson(signed));
  });

  it('CSV has CRLF, one width, and no cell that a spreadsheet would run', async () => {
    const csv = Buffer.from(await render(signed, 'csv')).toString();
    const rows = csv.trimEnd().split('\r\n');
    expect(rows.length).toBeGreaterThan(100);
    expect(rows.every((row) => (row.match(/","/g)?.length ?? 0) === 4)).toBe(true);
    expect(csv).toContain(`"'=HYPERLINK(""http://x"")"`);
    expect(rows.flatMap((row) => row.slice(1, -1).split('","')).filter((cell) => /^[=@+]/.test(cell))).toEqual([]);
  });

  it('PDF is tagged, titled, in a language, archivable, and whole', async () => {
    const pdf = await render(signed, 'pdf');
    const text = Buffer.from(pdf).toString('latin1');
    for (const needed of [
      '/StructTreeRoot',
      '/Marked true',
      '/Lang (en)',
      '/DisplayDocTitle true',
      '<pdfaid:part>3</pdfaid:part>',
      '<pdfuaid:part>1</pdfuaid:part>',
      '/AFRelationship /Source',
      '/S /TH',
      '/Scope /Column',
      '/S /Figure',
      '/OutputIntents',
    ]) {
      expect(text, needed).toContain(needed);
    }
    const folder = mkdtempSync(join(tmpdir(), 'cw-pdf-'));
    try {
      writeFileSync(join(folder, 'report.pdf'), pdf);
      // Only where the checker is installed; the product doesn't need it.
      try {
        expect(execFileSync('qpdf', ['--check', join(folder, 'report.pdf')], { encoding: 'utf8' })).toContain(
          'No syntax or stream encoding errors',
        );
      } catch (error) {
        if ((error as { code?: string }).code !== 'ENOENT') throw error;
        console.log('qpdf is not installed: the check of the PDF syntax was skipped');
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
