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
          include: ['tests/{integration,contract,conformance,stories,smoke,e2e,browser}/**/*.spec.ts'],
          setupFiles: ['./tests/setup.ts'],
          globalSetup: ['./tests/global-setup.ts'],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
