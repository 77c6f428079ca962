import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

// Vite would take graphql's ES module while NestJS takes its CommonJS one, and two copies fail each other's checks.
const graphql = { find: /^graphql$/, replacement: join(import.meta.dirname, 'node_modules/graphql/index.js') };
const server = {
  ssr: { resolve: { conditions: ['source'] } },
  resolve: { conditions: ['source'], alias: [graphql] },
};

export default defineConfig({
  test: {
    fsModuleCache: false,
    projects: [
      {
        ...server,
        test: {
          name: 'unit',
          include: ['{apps,libs,tools,workloads}/**/*.spec.ts', 'tests/tidy*.spec.ts'],
          exclude: ['**/node_modules/**'],
          setupFiles: ['./tests/setup.ts'],
        },
      },
      {
        ...server,
        test: {
          name: 'integration',
          include: ['tests/{integration,contract,stories,smoke}/**/*.spec.ts'],
          setupFiles: ['./tests/setup.ts'],
          globalSetup: ['./tests/global-setup.ts'],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        ...server,
        test: {
          name: 'product',
          include: ['tests/{product,conformance,browser}/**/*.spec.ts'],
          setupFiles: ['./tests/setup.ts'],
          globalSetup: ['./tests/product/setup.ts'],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
