import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toGlobalId } from '#platform';
import { bytes, notes, portableTreeHash, proofs } from '#transparency/pure';
import { CAMPAIGN, mainRunEvents, RUN } from './main-run.js';
import { apiToken, closeStage, emit, gql, openStage, signIn, work } from './reports.stage.js';

beforeAll(async () => {
  await openStage();
  await emit(mainRunEvents());
  await work();
});
afterAll(closeStage);

const runId = toGlobalId('Run', RUN);
const campaignId = toGlobalId('Campaign', CAMPAIGN);

describe('the log in GraphQL', () => {
  it('is walked page by page, newest first, without a gap', async () => {
    const seen: number[] = [];
    let after: string | null = null;
    do {
      const { data } = await gql(
        'query ($after: String) { logEntries(first: 20, after: $after) { nodes { index } pageInfo { hasNextPage endCursor } } }',
        { after },
      );
      seen.push(...data.logEntries.nodes.map((node: { index: string }) => Number(node.index)));
      after = data.logEntries.pageInfo.hasNextPage ? data.logEntries.pageInfo.endCursor : null;
    } while (after !== null);
    const { data } = await gql('{ log { size } }');
    expect(seen).toEqual(Array.from({ length: Number(data.log.size) }, (_, i) => Number(data.log.size) - 1 - i));
  });

  it('proves an event so that a stranger can check it', async () => {
    const entry = (await gql('{ logEntries(first: 1) { nodes { id eventId } } log { verifierKey rootHash } }')).data;
    const { eventId, id } = entry.logEntries.nodes[0];
    const { logProof } = (
      await gql(
        'query ($eventId: ID!) { logProof(eventId: $eventId) { entry { index data leafHash } size rootHash hashes checkpoint tlogProof } }',
        { eventId },
      )
    ).data;
    const key = notes.parseVerifierKey(entry.log.verifierKey)!;
    expect((await notes.openCheckpoint(logProof.checkpoint, key))?.checkpoint.size).toBe(Number(logProof.size));
    const claim = {
      index: Number(logProof.entry.index),
      size: Number(logProof.size),
      leafHash: portableTreeHash.leaf(bytes.utf8(logProof.entry.data)),
      root: bytes.fromBase64(logProof.rootHash)!,
      proof: logProof.hashes.map((hash: string) => bytes.fromBase64(hash)!),
    };
    expect(proofs.verifyInclusion(claim, portableTreeHash)).toBe(true);
    expect(
      await notes.verifyTlogProof(logProof.tlogProof, bytes.utf8(logProof.entry.data), key, portableTreeHash),
    ).toBe(true);
    expect(
      (await gql('query ($id: ID!) { node(id: $id) { ... on LogEntry { eventId } } }', { id })).data.node.eventId,
    ).toBe(eventId);
  });

  it('has no proof of what it does not hold', async () => {
    const ask = async (eventId: string) =>
      (await gql('query ($eventId: ID!) { logProof(eventId: $eventId) { size } }', { eventId })).data.logProof;
    expect(await ask(RUN)).toBeNull();
    expect(await ask('nonsense')).toBeNull();
  });
});

describe('reports in GraphQL', () => {
  const FIELDS =
    'id slug title definition version logSize sha256 publishedAt signatureKeyId supersedes downloads { format mediaType url bytes sha256 } versions { version sha256 }';

  it('are listed, filtered and found again', async () => {
    const { data } = await gql(
      `query ($runId: ID) { reports(runId: $runId) { nodes { ${FIELDS} campaign { id } run { id } } } }`,
      { runId },
    );
    const [report] = data.reports.nodes;
    expect(report).toMatchObject({
      slug: 'whale-run-transparency',
      title: 'Run transparency report: A whale of a <model>',
      version: 1,
      supersedes: null,
      logSize: String(mainRunEvents().length),
    });
    expect(report.downloads.map((d: { format: string }) => d.format)).toEqual(['csv', 'html', 'json', 'pdf']);
    const again = (
      await gql(
        `query ($id: ID!, $slug: String!) { byId: report(id: $id) { slug } bySlug: report(slug: $slug) { id } node(id: $id) { id } }`,
        { id: report.id, slug: report.slug },
      )
    ).data;
    expect(again).toEqual({ byId: { slug: report.slug }, bySlug: { id: report.id }, node: { id: report.id } });
    const foreign = [
      await gql('query ($runId: ID) { reports(runId: $runId) { nodes { id } } }', { runId: campaignId }),
      await gql('query ($id: ID) { report(id: $id) { id } }', { id: runId }),
    ];
    for (const { errors } of foreign) expect(errors).toMatchObject([{ extensions: { code: 'ID_INVALID' } }]);
  });

  it('are published by whom the project trusts, and by nobody else', async () => {
    const publish = (input: object, secret?: string) =>
      gql(
        'mutation ($input: ReportPublishInput!) { reportPublish(input: $input) { report { version } userErrors { code path } } }',
        { input },
        secret,
      );
    const codes = async (input: object, secret?: string) => {
      const { data, errors } = await publish(input, secret);
      return errors
        ? errors.map((e) => e.extensions.code)
        : data.reportPublish.userErrors.map((e: { code: string }) => e.code);
    };
    const [stranger, operator] = [await signIn('Stella Stranger'), await signIn('Olga Operator', 'operator')];
    expect(await codes({ runId })).toEqual(['UNAUTHENTICATED']);
    expect(await codes({ runId }, await apiToken(operator, ['pledge:write']))).toEqual(['MISSING_SCOPE']);
    expect(await codes({ runId }, stranger)).toEqual(['PROJECT_ROLE_REQUIRED']);
    expect(await codes({ runId: campaignId }, operator)).toEqual(['ID_INVALID']);
    expect(await codes({}, operator)).toEqual(['REPORT_SUBJECT_MISSING']);
    expect(await codes({ runId }, operator)).toEqual(['REPORT_UNCHANGED']);
    await emit([
      ['pledge.cash.refunded', { pledgeId: 'pl5', campaignId: CAMPAIGN, amountMinor: '5000', currency: 'USD' }],
    ]);
    await work();
    const { data } = await publish({ campaignId }, await apiToken(operator, ['report:publish']));
    expect(data.reportPublish).toEqual({ report: { version: 2 }, userErrors: [] });
    const listed = await gql('{ reports { nodes { version supersedes versions { version } } } }');
    expect(listed.data.reports.nodes).toEqual([
      { version: 2, supersedes: 1, versions: [{ version: 2 }, { version: 1 }] },
    ]);
  });
});
