// Made-up records with which pages can be looked at before an API runs. Never shipped, never on a user's path.
const now = Date.now();
export const at = (secondsAgo) => new Date(now - secondsAgo * 1000).toISOString();
const money = (minor) => ({ amountMinor: String(minor), currency: 'USD' });
export const time = (ms, c = 'cpu') => ({ milliseconds: String(ms), seconds: String(Number(ms) / 1000), class: c });
export const connect = (list, { first = 20, after } = {}) => {
  const from = after ? Number(after) : 0;
  const cut = list.slice(from, from + first);
  return {
    edges: cut.map((node, i) => ({ node, cursor: String(from + i + 1) })),
    pageInfo: { hasNextPage: from + first < list.length, endCursor: String(from + cut.length) },
  };
};
export const conn = (list) => (args) => connect(list, args);
let seed = 7;
export const random = () => ((seed = (seed * 1103515245 + 12345) & 0x7fffffff), seed / 0x7fffffff);

const names = [
  'Ada Okonkwo',
  'Jonas Lind',
  'Mei Tanaka',
  'Priya Raman',
  'Luis Ortega',
  'Nora Haddad',
  'Tom Becker',
  'Sofia Rossi',
  'Kwame Mensah',
  'Ines Duarte',
  'Olga Petrova',
  'Sam Whitfield',
];
export const people = names.map((displayName, i) => ({
  __typename: 'Contributor',
  id: `c${i}`,
  displayName,
  pseudonym: `p_${(0x9a3f11 + i * 7919).toString(16)}`,
  kind: 'PERSON',
}));
export const recipe = {
  id: 'r1',
  name: 'tiny-lm on Moby-Dick',
  digest: 'sha256:4f1d0c9b7a',
  workload: 'tiny-lm',
  driver: 'process',
  parameters: '412160',
  tokens: '6144000',
  hyperparameters: {},
  dataset: {
    id: 'd1',
    name: 'Moby-Dick; or, The Whale',
    licence: 'Public domain',
    source: 'https://www.gutenberg.org/ebooks/2701',
  },
  gpuClass: 'cpu',
  minWorkers: 2,
  maxWorkers: 3,
  checkpointEverySteps: 25,
};
const budget = {
  flop: '15193866240000',
  peakFlopPerSecond: '50000000000',
  mfu: '0.35',
  gpuTime: time(1085000),
  cash: money(8),
  lines: [
    ['parameters', 'Parameters', '412160', 'parameter', 'N', 'Recipe'],
    ['tokens', 'Training tokens', '6144000', 'token', 'D', 'Recipe'],
    [
      'flop',
      'Arithmetic of the training',
      '15193866240000',
      'FLOP',
      '6 · N · D = 6 · 412160 · 6144000',
      'Kaplan et al. 2020, section 2.1',
    ],
    ['peak', 'Peak of one CPU core', '50000000000', 'FLOP/s', 'dense fp32', 'https://example.org/data-sheet'],
    [
      'mfu',
      'Share of the peak that training reaches',
      '3500',
      'basis point',
      '0.35',
      'Organiser; the usual value of the class unless stated',
    ],
    ['training', 'Training time', '868221', 'GPU-millisecond', '⌈FLOP · 1000 / (peak · 0.35)⌉', 'Computed'],
    ['overhead', 'Restarts, evaluation and reserve', '216779', 'GPU-millisecond', '⌈training · 25 %⌉', 'Organiser'],
    ['gpu_time', 'Accelerator time to raise', '1085000', 'GPU-millisecond', 'training + overhead', 'Computed'],
    [
      'price',
      'Rent of one device for an hour',
      '25',
      'US cent',
      'per GPU-hour',
      'Organiser; a usual market price unless stated',
    ],
    ['cash', 'The same time rented for money', '8', 'US cent', '⌈GPU-milliseconds · price / 3 600 000⌉', 'Computed'],
  ].map(([code, label, amount, unit, formula, source]) => ({ code, label, amount, unit, formula, source })),
};
const pledges = Array.from({ length: 25 }, (_, i) => ({
  __typename: 'CashPledge',
  id: `pl${i}`,
  amount: money([500, 2500, 10000, 25000, 5000, 7500][i % 6] + (i % 3) * 150),
  state: i === 4 || i === 11 ? 'FAILED' : i === 18 ? 'DISPUTED' : i === 9 ? 'REFUNDED' : 'CAPTURED',
  contributor: i % 7 === 3 ? null : people[i % 12],
  createdAt: at(300 + i * 13),
  failureCode: null,
}));
const computePledges = [0, 1, 2].map((i) => ({
  __typename: 'ComputePledge',
  id: `cp${i}`,
  class: 'cpu',
  count: 1,
  time: time(600000),
  state: i === 2 ? 'LAPSED' : 'DELIVERING',
  contributor: people[i + 3],
  availability: 'FREQ=DAILY',
  region: 'eu-north',
  reserved: time(120000),
  delivered: time(211000 - i * 40000),
  accepted: time(200000 - i * 40000),
}));
const texts = [
  ['run.completed', 'The run finished at step 300 with loss 1.94'],
  ['usage.settled', '211 CPU-s of Priya Raman settled'],
  ['checkpoint.promoted', 'Checkpoint of step 300 promoted'],
  ['attempt.started', 'Attempt 2 started with 2 nodes from step 150'],
  ['lease.ended', 'A lease expired: node beech went silent'],
  ['node.lost', 'Node beech was lost'],
  ['checkpoint.promoted', 'Checkpoint of step 150 promoted'],
  ['attempt.started', 'Attempt 1 started with 3 nodes'],
  ['campaign.training', 'Training began'],
  ['campaign.succeeded', 'Both goals reached'],
  ['pledge.compute.accepted', 'Compute pledge accepted'],
  ['pledge.cash.captured', '$100.00 captured'],
  ['pledge.cash.failed', 'A card was declined'],
  ['campaign.live', 'The campaign went live'],
];
export const events = texts.map(([type, summary], i) => ({
  id: `e${i}`,
  type,
  summary,
  position: String(140 - i),
  occurredAt: at(20 + i * 31),
  payload: {},
}));
export const campaign = (over) => ({
  __typename: 'Campaign',
  id: 'camp1',
  slug: 'a-small-model-that-has-read-moby-dick',
  title: 'A small model that has read Moby-Dick',
  summary:
    'Train a 412-thousand-parameter language model on one public-domain novel, in the open, on machines that volunteers lend. Every cent and every CPU-second is on the public record.',
  state: 'TRAINING',
  fundingModel: 'KEEP_IT_ALL',
  project: { id: 'p1', slug: 'whale', name: 'Pequod Collective', viewerRoles: [] },
  recipe,
  budget,
  cashGoal: money(250000),
  computeGoal: time(1200000),
  deadline: at(-86400 * 12),
  createdAt: at(4000),
  progress: {
    cashPledged: money(17500),
    cashCaptured: money(206350),
    cashRefunded: money(7500),
    cashDisputed: money(2500),
    cashFees: money(6812),
    cashHeld: money(189538),
    computeOffered: time(0),
    computePledged: time(1800000),
    computeReserved: time(240000),
    computeDelivered: time(513000),
    computeAccepted: time(480000),
    cashBackers: 22,
    computeBackers: 3,
  },
  pledges: conn(pledges),
  computePledges: conn(computePledges),
  events: conn(events),
  ...over,
});
export const campaigns = [
  campaign({}),
  campaign({
    id: 'camp2',
    slug: 'open-welsh-1b',
    title: 'Open Welsh, one billion parameters',
    summary: 'A bilingual base model for Wales, trained on broadcast and parliamentary text under open licences.',
    state: 'LIVE',
    fundingModel: 'ALL_OR_NOTHING',
    cashGoal: money(18500000),
    computeGoal: time(3600000n * 41000n, 'h100'),
    progress: {
      cashPledged: money(7410000),
      cashCaptured: money(0),
      cashRefunded: money(0),
      cashDisputed: money(0),
      cashFees: money(0),
      cashHeld: money(0),
      computeOffered: time(0),
      computePledged: time(3600000n * 11800n, 'h100'),
      computeReserved: time(0, 'h100'),
      computeDelivered: time(0, 'h100'),
      computeAccepted: time(0, 'h100'),
      cashBackers: 412,
      computeBackers: 19,
    },
  }),
  campaign({
    id: 'camp3',
    slug: 'tide-tables',
    title: 'Tide tables: a forecaster for small harbours',
    summary: 'Time-series pre-training on forty years of public gauge data.',
    state: 'COMPLETED',
    cashGoal: money(900000),
    computeGoal: time(3600000 * 800, 'a100'),
    progress: {
      cashPledged: money(0),
      cashCaptured: money(984000),
      cashRefunded: money(0),
      cashDisputed: money(0),
      cashFees: money(30100),
      cashHeld: money(12000),
      computeOffered: time(0),
      computePledged: time(3600000 * 900, 'a100'),
      computeReserved: time(0, 'a100'),
      computeDelivered: time(3600000 * 815, 'a100'),
      computeAccepted: time(3600000 * 811, 'a100'),
      cashBackers: 87,
      computeBackers: 6,
    },
  }),
];
