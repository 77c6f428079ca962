// Made-up terms, settlements and updates of campaigns. Never shipped, never on a user's path.
const money = (minor) => ({ amountMinor: String(minor), currency: 'USD' });
const ago = (seconds) => new Date(Date.now() - seconds * 1000).toISOString();

export const plan = {
  cashOptimum: money(400000),
  hardCap: money(600000),
  stretchGoals: [
    { number: 1, title: 'A second book: The Confidence-Man', unit: 'CASH', amount: '300000', reachedAt: ago(86400) },
    { number: 2, title: 'All of Melville', unit: 'CASH', amount: '500000', reachedAt: null },
    { number: 3, title: 'A twice as large model', unit: 'COMPUTE', amount: '2400000', reachedAt: null },
  ],
  coverPricePerGpuHour: money(12),
  surplus: 'OPTIMUM',
  budgetLines: [
    { kind: 'COMPUTE', amount: money(150000), note: '1 200 000 ms of GPU time to rent at 10 an hour, rounded up' },
    { kind: 'EVALUATION', amount: money(30000), note: '' },
    { kind: 'PEOPLE', amount: money(40000), note: 'Two evenings of an editor' },
    { kind: 'RESERVE', amount: money(30000), note: '' },
  ],
  tranches: [
    {
      number: 1,
      title: 'Half of the book',
      shareBp: 4000,
      budgetKind: 'COMPUTE',
      evidence: { kind: 'CHECKPOINT', minTokens: '3000000' },
    },
    {
      number: 2,
      title: 'Reads well',
      shareBp: 3500,
      budgetKind: 'COMPUTE',
      evidence: { kind: 'EVALUATION', metric: 'validation loss', threshold: '2.1', direction: 'AT_MOST' },
    },
    {
      number: 3,
      title: 'Published',
      shareBp: 2500,
      budgetKind: 'PEOPLE',
      evidence: {
        kind: 'VOTE',
        quorumBp: 1000,
        majorityBp: 5000,
        votingSeconds: 604800,
        description: 'Weights and card are out.',
      },
    },
  ],
  approvalsRequired: 2,
  approvers: [],
  extension: { toleranceBp: 500, days: 14 },
  windows: {
    settlementWindowSeconds: 604800,
    retryEverySeconds: 172800,
    safetyWindowSeconds: 1209600,
    reserveDays: { card: 120, usBankAccount: 60, sepaDebit: 56, bankTransfer: 0 },
  },
};

const text = {
  title: 'Half of the book is read',
  paragraphs: [
    'The model has read the first 68 chapters. The loss is where the recipe said it would be, and nobody has yet drowned.',
    'Two machines left in the night of Tuesday; their work was taken up by a third within a minute.\nThe record has all of it.',
  ],
};
export const updates = [
  {
    __typename: 'CampaignUpdate',
    id: 'u2',
    number: 2,
    audience: 'PUBLIC',
    publishedAt: ago(86400 * 2),
    version: 2,
    correction: 'It was 68 chapters, not 86.',
    writtenAt: ago(86400),
    ...text,
    versions: [
      { version: 2, correction: 'It was 68 chapters, not 86.', writtenAt: ago(86400), ...text },
      {
        version: 1,
        correction: null,
        writtenAt: ago(86400 * 2),
        title: text.title,
        paragraphs: ['The model has read the first 86 chapters.'],
      },
    ],
  },
  {
    __typename: 'CampaignUpdate',
    id: 'u1',
    number: 1,
    audience: 'BACKERS',
    publishedAt: ago(86400 * 9),
    version: 1,
    correction: null,
    writtenAt: ago(86400 * 9),
    title: 'Call me Ishmael',
    paragraphs: ['Thank you. We begin on Monday.'],
    versions: [],
  },
];

const rest = {
  format: 'commonweights/campaign-terms/1',
  title: 'A small model that has read Moby-Dick',
  summary: 'One novel, read in the open.',
  fundingModel: 'tranches',
  currency: 'USD',
  deadline: '2026-06-01T12:00:00.000Z',
  cashMinimumMinor: '250000',
  cashOptimumMinor: '400000',
  hardCapMinor: '600000',
  computeGoalMs: '1200000',
  gpuClass: 'cpu',
  recipe: { id: 'r1', name: 'tiny-lm on Moby-Dick', digest: 'sha256:4f1d0c9b7a' },
  stretchGoals: plan.stretchGoals.map(({ title, unit, amount }) => ({ title, unit: unit.toLowerCase(), amount })),
  shortfall: { rule: 'cash_may_cover_compute', pricePerGpuHourMinor: '12' },
  surplus: 'optimum',
  budgetLines: plan.budgetLines.map(({ kind, amount, note }) => ({
    kind: kind.toLowerCase(),
    amountMinor: amount.amountMinor,
    note,
  })),
  tranches: plan.tranches.map(({ number: _number, ...tranche }) => ({
    ...tranche,
    budgetKind: tranche.budgetKind.toLowerCase(),
  })),
  approvalsRequired: 2,
  approvers: [],
  extension: plan.extension,
  windows: { ...plan.windows, reserveDays: { card: 120, us_bank_account: 60, sepa_debit: 56, bank_transfer: 0 } },
};
const version = (number, cause, seconds) => ({
  version: number,
  cause,
  createdAt: ago(seconds),
  sha256: '8f1c2a9d'.repeat(8),
  document: { ...rest, version: number },
  content: JSON.stringify({ ...rest, version: number }),
});
const versions = [version(2, 'amended', 86400 * 3), version(1, 'live', 86400 * 20)];

/** Everything about a campaign that stands beside its living part, by its state. */
export const record = (state) => ({
  plan,
  termsVersion: 2,
  terms: ({ version: asked }) => versions.find((one) => !asked || one.version === asked) ?? null,
  termsVersions: versions,
  settlementEndsAt: state === 'SETTLING' ? ago(-86400 * 5) : null,
  suspendedFrom: state === 'SUSPENDED' ? 'LIVE' : null,
  extendedAt: null,
  safetyEndsAt: state === 'TRAINING' ? ago(-86400 * 9) : null,
  disbursedAt: null,
  endedAs: state === 'FAILED' ? 'FAILED' : null,
  failReason: state === 'FAILED' ? 'below_goal' : null,
  decisionReason: null,
  autoAcceptCompute: false,
  settlement:
    state === 'SETTLING'
      ? {
          frozen: { pledges: 41, amount: money(250000) },
          charging: { pledges: 6, amount: money(30000) },
          collected: { pledges: 31, amount: money(190000) },
          needsAction: { pledges: 2, amount: money(12000) },
          errored: { pledges: 2, amount: money(18000) },
          dropped: { pledges: 0, amount: money(0) },
        }
      : null,
  viewer: { backs: true, consents: null },
  settlements:
    state === 'SETTLING' || state === 'EXTENDED'
      ? [
          {
            snapshotId: 's1',
            round: 1,
            cause: 'deadline',
            frozenAt: ago(86400 * 2),
            promised: money(60000),
            collected: money(190000),
            judgedAt: state === 'EXTENDED' ? ago(3600) : null,
            verdict: state === 'EXTENDED' ? 'extended' : null,
            judgedCash: state === 'EXTENDED' ? money(241000) : null,
            judgedCompute: null,
          },
        ]
      : [],
});
