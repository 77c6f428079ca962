import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toGlobalId } from '#platform';
import { DAY_MS, DisbursementStage, REPORT, type TrancheDraft } from './disbursements.stage.js';
import { codes, got } from './funding.stage.js';

let stage: DisbursementStage;

beforeAll(async () => {
  stage = await DisbursementStage.open();
});
afterAll(async () => {
  expect(await stage.violations()).toEqual([]);
  await stage.close();
});

const whole = (evidence: TrancheDraft['evidence']): { tranches: TrancheDraft[] } => ({
  tranches: [{ title: 'All of it', shareBp: 10_000, budgetKind: 'compute', evidence }],
});

describe('evidence', () => {
  it('by evaluation: the value must reach the threshold, and its file must be there', async () => {
    const id = await stage.succeeded(
      whole({ kind: 'evaluation', metric: 'held-out loss', threshold: '2.9', direction: 'at_most' }),
    );
    const { id: trancheId } = await stage.tranche(id);
    const { maintainer, first } = stage.people;
    const sha256 = await stage.file('loss 2.81');
    const files = [{ name: 'evaluation.json', sha256 }];
    const submit = (more: object) => stage.evidence.submit(maintainer, { trancheId, value: '2.81', files, ...more });
    expect(codes(await submit({ value: '2.91' }))).toEqual(['DISBURSEMENT_EVIDENCE_BELOW_TERMS']);
    expect(codes(await submit({ value: 'good' }))).toEqual(['DISBURSEMENT_EVIDENCE_INVALID']);
    expect(codes(await submit({ files: [] }))).toEqual(['DISBURSEMENT_EVIDENCE_INVALID']);
    expect(codes(await submit({ files: [{ name: 'a', sha256: 'f'.repeat(64) }] }))).toEqual([
      'DISBURSEMENT_FILE_MISSING',
    ]);
    expect(codes(await stage.evidence.submit(first, { trancheId, value: '2.81', files }))).toEqual([
      'PROJECT_ROLE_REQUIRED',
    ]);
    expect((await stage.tranche(id)).state).toBe('planned');
    got(await submit({}));
    expect(codes(await submit({}))).toEqual(['DISBURSEMENT_STATE_INVALID']);
    const answer = await fetch(`${stage.funding.url}/evidence/files/${sha256}`);
    expect([answer.status, await answer.text(), answer.headers.get('content-type')]).toEqual([
      200,
      'loss 2.81',
      'application/octet-stream',
    ]);
  });

  it('by checkpoint: one that this campaign’s run promoted, far enough, and used once', async () => {
    const evidence = { kind: 'checkpoint', minTokens: '1000' };
    const id = await stage.succeeded({
      tranches: [
        { title: 'First half', shareBp: 5_000, budgetKind: 'compute', evidence },
        { title: 'Second half', shareBp: 5_000, budgetKind: 'compute', evidence },
      ],
    });
    const { maintainer } = stage.people;
    const runId = randomUUID();
    const promoted = async (tokens: string): Promise<string> => {
      const checkpointId = randomUUID();
      const payload = { checkpointId, runId, step: '10', tokens, manifestSha256: 'a'.repeat(64) };
      await stage.funding.db.uow.run('promoted', (tx) => {
        tx.emit({ type: 'checkpoint.promoted', aggregateType: 'run', aggregateId: runId, isPublic: true, payload });
        return Promise.resolve();
      });
      await stage.funding.relay();
      return checkpointId;
    };
    const checkpointId = await promoted('1000');
    const [first, second] = [(await stage.tranche(id, 1)).id, (await stage.tranche(id, 2)).id];
    // Promoted, but by a run of another campaign.
    expect(codes(await stage.evidence.submit(maintainer, { trancheId: first, checkpointId }))).toEqual([
      'DISBURSEMENT_CHECKPOINT_UNKNOWN',
    ]);
    await stage.funding.rows('INSERT INTO campaign_run (run_id, campaign_id, recorded_at) VALUES ($1, $2, now())', [
      runId,
      id,
    ]);
    const early = await promoted('999');
    expect(codes(await stage.evidence.submit(maintainer, { trancheId: first, checkpointId: early }))).toEqual([
      'DISBURSEMENT_EVIDENCE_BELOW_TERMS',
    ]);
    got(await stage.evidence.submit(maintainer, { trancheId: first, checkpointId }));
    expect(codes(await stage.evidence.submit(maintainer, { trancheId: second, checkpointId }))).toEqual([
      'DISBURSEMENT_EVIDENCE_USED',
    ]);
  });

  it('by vote: one backer, one vote, and the result is the rule’s', async () => {
    const terms = { kind: 'vote', quorumBp: 5_000, majorityBp: 5_000, votingSeconds: 3_600, description: 'Worth it?' };
    const id = await stage.succeeded(whole(terms), [6_000n, 2_001n, 2_000n]);
    const { maintainer, first, owner } = stage.people;
    const { id: trancheId } = await stage.tranche(id);
    const [a, b] = [await stage.funding.person('Backer 0'), await stage.funding.person('Backer 1')];
    expect(codes(await stage.evidence.vote(a, trancheId, true))).toEqual(['DISBURSEMENT_VOTE_CLOSED']);
    got(await stage.evidence.submit(maintainer, { trancheId }));
    expect(codes(await stage.evidence.vote(owner, trancheId, true))).toEqual(['DISBURSEMENT_NOT_A_BACKER']);
    expect(codes(await stage.evidence.approve(first, trancheId, 'too early'))).toEqual(['DISBURSEMENT_VOTE_OPEN']);
    got(await stage.evidence.vote(a, trancheId, true));
    expect(codes(await stage.evidence.vote(a, trancheId, false))).toEqual(['DISBURSEMENT_VOTED_ALREADY']);
    // The second vote decides: the third can't change it.
    got(await stage.evidence.vote(b, trancheId, true));
    expect(codes(await stage.evidence.vote(b, trancheId, true))).toEqual(['DISBURSEMENT_VOTE_CLOSED']);
    got(await stage.evidence.approve(first, trancheId, 'The backers have spoken.'));
    expect(await stage.events(id)).toContain('vote_closed');
  });

  it('by a vote that too few took part in is lost when its time is over', async () => {
    const terms = { kind: 'vote', quorumBp: 9_000, majorityBp: 5_000, votingSeconds: 3_600, description: 'Worth it?' };
    const id = await stage.succeeded(whole(terms));
    const { id: trancheId } = await stage.tranche(id);
    got(await stage.evidence.submit(stage.people.maintainer, { trancheId }));
    got(await stage.evidence.vote(await stage.funding.person('Backer 0'), trancheId, true));
    await stage.funding.advance(3_700_000);
    expect((await stage.tranche(id)).state).toBe('planned');
  });
});

describe('a campaign that ends after all', () => {
  it('keeps its money for its backers: tranches are canceled and the reserve goes back', async () => {
    const id = await stage.succeeded();
    await stage.approved(id, 1);
    got(await stage.tranches.hold(stage.people.operator, (await stage.tranche(id)).id, 'A question is open.'));
    await stage.funding.advance(14 * DAY_MS + 60_000);
    await stage.work();
    expect(await stage.holds(id, 'disputeReserve')).toBe(151n);
    got(await stage.funding.campaigns.cancel(stage.people.owner, id, 'The data may not be used.'));
    await stage.funding.relay();
    expect(await stage.states(id)).toEqual(['canceled', 'canceled', 'canceled', 'canceled']);
    expect(await stage.holds(id, 'disputeReserve')).toBe(0n);
    expect(await stage.events(id)).toContain('canceled');
  });
});

describe('over GraphQL', () => {
  const PAGE = /* GraphQL */ `
    query ($id: ID!) {
      campaign(id: $id) {
        disbursement {
          state
          approvalsRequired
          payoutAccount {
            status
          }
          cash {
            net {
              amountMinor
            }
            escrow {
              amountMinor
            }
          }
          tranches {
            id
            number
            state
            waitingFor
            shareBp
            evidence {
              outcome
              report
              approvals {
                approves
              }
            }
          }
        }
      }
    }
  `;
  const SUBMIT = /* GraphQL */ `
    mutation ($input: DisbursementEvidenceSubmitInput!) {
      disbursementEvidenceSubmit(input: $input) {
        disbursement {
          state
        }
        userErrors {
          code
          path
        }
      }
    }
  `;
  const APPROVE = /* GraphQL */ `
    mutation ($input: DisbursementReasonInput!) {
      disbursementApprove(input: $input) {
        disbursement {
          tranches {
            state
          }
        }
        userErrors {
          code
          path
        }
      }
    }
  `;

  it('anybody reads it, and a tranche goes from evidence to approval', async () => {
    const id = await stage.succeeded({ approvalsRequired: 1 });
    const globalId = toGlobalId('Campaign', id);
    const read = await stage.funding.gql(PAGE, { id: globalId });
    expect(read.errors).toBeUndefined();
    const plan = read.data.campaign.disbursement;
    expect(plan).toMatchObject({ state: 'OPEN', approvalsRequired: 1, payoutAccount: { status: 'ENABLED' } });
    expect(plan.cash[0].net.amountMinor).toBe('10001');
    expect(plan.tranches[0]).toMatchObject({ state: 'PLANNED', waitingFor: 'EVIDENCE', shareBp: 5_000 });
    const trancheId = plan.tranches[0].id;
    const nobody = await stage.funding.gql(SUBMIT, { input: { trancheId, report: REPORT } });
    expect(nobody.errors?.[0]?.extensions?.['code']).toBe('UNAUTHENTICATED');
    const wrong = await stage.funding.gql(
      SUBMIT,
      { input: { trancheId: 'x', report: REPORT } },
      stage.people.maintainer,
    );
    expect(wrong.data.disbursementEvidenceSubmit.userErrors[0].path).toEqual(['input', 'trancheId']);
    const done = await stage.funding.gql(SUBMIT, { input: { trancheId, report: REPORT } }, stage.people.maintainer);
    expect(done.data.disbursementEvidenceSubmit.userErrors).toEqual([]);
    const input = { trancheId, reason: 'The logs bear it out.' };
    const approved = await stage.funding.gql(APPROVE, { input }, stage.people.first);
    expect(approved.data.disbursementApprove.disbursement.tranches[0].state).toBe('APPROVED');
  });

  it('files of evidence are taken from who is signed in, under the digest of their bytes only', async () => {
    const body = 'a file';
    const sha256 = createHash('sha256').update(body).digest('hex');
    const put = (digest: string, headers: Record<string, string> = {}) =>
      fetch(`${stage.funding.url}/evidence/files/${digest}`, { method: 'PUT', body, headers });
    expect((await put(sha256)).status).toBe(401);
    // Stored, but no evidence names it: nobody fetches it.
    await stage.file(body);
    expect((await fetch(`${stage.funding.url}/evidence/files/${sha256}`)).status).toBe(404);
  });
});
