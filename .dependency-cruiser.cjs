// The levels of docs/architecture.md as rules: imports go only down, rooms are entered by their door, no cycles.
const LEVELS = [
  ['kernel', 'protocol'],
  ['platform'],
  ['identity', 'transparency'],
  // A campaign is made of a recipe and its budget, so the catalog stands below it.
  ['ledger', 'catalog'],
  ['payments', 'campaigns', 'nodes'],
  ['pledges', 'training'],
  ['provenance', 'matching', 'disbursements', 'reconciliation'],
  ['reports', 'notifications'],
];

const upward = LEVELS.flatMap((rooms, level) => {
  const above = LEVELS.slice(level + 1).flat();
  return rooms.map((room) => {
    const beside = rooms.filter((other) => other !== room && !(room === 'protocol' && other === 'kernel'));
    const forbidden = [...above, ...beside];
    return {
      name: `${room}-imports-only-down`,
      comment: 'Rooms of one level talk by outbox event, or by a port that the lower room declares.',
      severity: 'error',
      from: { path: `^libs/${room}/` },
      to: { path: `^libs/(${forbidden.join('|') || '-'})/` },
    };
  });
});

module.exports = {
  forbidden: [
    ...upward,
    {
      name: 'no-cycle',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    { name: 'libs-never-import-apps', severity: 'error', from: { path: '^libs/' }, to: { path: '^apps/' } },
    {
      name: 'rooms-by-their-door',
      severity: 'error',
      from: { path: '^(?:apps|libs)/([^/]+)/', pathNot: '\\.spec\\.ts$' },
      to: { path: '^libs/[^/]+/src/.+', pathNot: ['^libs/[^/]+/src/index\\.ts$', '^libs/$1/'] },
    },
    {
      name: 'agent-stays-small',
      comment: 'What runs on strangers’ machines imports protocol and kernel only.',
      severity: 'error',
      from: { path: '^apps/agent/' },
      to: { path: '^libs/(?!kernel|protocol)' },
    },
    {
      name: 'dashboard-knows-the-api-only',
      severity: 'error',
      from: { path: '^apps/dashboard/src' },
      to: { path: '^libs/' },
    },
    {
      name: 'only-payments-knows-stripe',
      severity: 'error',
      from: { pathNot: '^libs/payments/' },
      to: { path: 'node_modules/stripe/' },
    },
    {
      name: 'training-never-imports-payments',
      severity: 'error',
      from: { path: '^libs/training/' },
      to: { path: '^libs/payments/' },
    },
    {
      name: 'testkit-is-for-tests',
      severity: 'error',
      from: { pathNot: '(\\.spec\\.ts$|^tests/|^libs/testkit/)' },
      to: { path: '^libs/testkit/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^dist/|\\.spec\\.ts$)' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      conditionNames: ['source', 'import', 'require', 'node', 'default'],
      extensions: ['.ts', '.tsx', '.js', '.mjs'],
    },
  },
};
