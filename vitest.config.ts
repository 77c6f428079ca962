import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

// Vite would take graphql's ES module while NestJS takes its CommonJS one, and two copies fail each other's checks.
const graphql = { find: /^graphql$/, replacement: join(import.meta.dirname, 'node_modules/graphql/index.js') };
const server = {
  ssr: { resolve: { conditions: ['source'] } },
  resolve: { conditions: ['source'], alias: [graphql] },
};

/** Specs that start processes of their own, or measure time and connections: one at a time, so that none starves another. */
const ALONE = [
  'tests/integration/{agent*,queue*,telemetry,torch-workload,training-agents,main-job-play}.spec.ts',
  'tests/integration/{payments-process,nodes-bench,ledger-bench,platform-edges}.spec.ts',
  'tests/contract/{pages,graphql-hostile}.spec.ts',
];

/** Files share the modules that a worker has loaded: they keep no state at module level, and loading them anew was half of the time. */
const shared = { isolate: false };

export default defineConfig({
  test: {
    fsModuleCache: false,
    projects: [
      {
        ...server,
        test: {
          name: 'unit',
          ...shared,
          include: ['{apps,libs,tools,workloads}/**/*.spec.ts', 'tests/tidy*.spec.ts'],
          exclude: ['**/node_modules/**'],
          setupFiles: ['./tests/setup.ts'],
        },
      },
      {
        ...server,
        test: {
          name: 'integration',
          ...shared,
          include: ['tests/{integration,contract,stories,smoke}/**/*.spec.ts'],
          exclude: ALONE,
          setupFiles: ['./tests/setup.ts'],
          globalSetup: ['./tests/global-setup.ts'],
          // Each has a database of its own, and mostly waits for it.
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        ...server,
        test: {
          name: 'processes',
          ...shared,
          include: ALONE,
          setupFiles: ['./tests/setup.ts'],
          globalSetup: ['./tests/global-setup.ts'],
          fileParallelism: false,
          sequence: { groupOrder: 2 },
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        ...server,
        test: {
          name: 'product',
          ...shared,
          include: ['tests/{product,conformance,browser}/**/*.spec.ts'],
          setupFiles: ['./tests/setup.ts'],
          globalSetup: ['./tests/product/setup.ts'],
          fileParallelism: false,
          sequence: { groupOrder: 3 },
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
