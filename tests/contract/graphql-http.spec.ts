import { serverAudits } from 'graphql-http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiStage, startApiStage } from './api.stage.js';

let api: ApiStage;
beforeAll(async () => {
  api = await startApiStage();
});
afterAll(() => api.close());

describe('GraphQL over HTTP, the audit of graphql-http', () => {
  const audits = serverAudits({ url: () => `${api.url}/graphql` });

  for (const audit of audits) {
    const level = /^(MUST|SHOULD|MAY)/.exec(audit.name)?.[1];
    it(`${audit.id} ${audit.name}`, async (context) => {
      const result = await audit.fn();
      if (result.status === 'ok') return;
      if (level === 'MAY') return context.skip(`optional: ${result.reason}`);
      expect.fail(result.reason);
    });
  }

  it('has every kind of audit', () => {
    expect(audits.length).toBeGreaterThan(50);
  });
});
