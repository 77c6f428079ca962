import { defineConfig } from 'vitest/config';

const server = { ssr: { resolve: { conditions: ['source'] } }, resolve: { conditions: ['source'] } };

export default defineConfig({
  test: {
    fsModuleCache: false,
    projects: [
      {
        ...server,
        test: {
          name: 'unit',
          include: ['{apps,libs,tools,workloads}/**/*.spec.ts', 'tests/tidy.spec.ts'],
          exclude: ['apps/dashboard/**', '**/node_modules/**'],
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
