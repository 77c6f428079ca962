import { Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { isRefused, newId } from '#kernel';
import { CashPledgeCommands, PledgesModule } from '#pledges';
import { GroupCommitter, PlatformModule, type Viewer } from '#platform';

/*
 * Pledges without GraphQL, HTTP and sign-in: the commands of the API called in a process of their own. Told on the IPC
 * channel how to pledge, with how many in flight and for how long, it answers how many were committed.
 *   whole    the command as the mutation calls it, payment at the processor included
 *   write    its first half: pledge, payment row, promise in the ledger and event, many pledges in a transaction
 *   single   the same statements, a transaction for each pledge
 */

interface Question {
  readonly how: 'whole' | 'write' | 'single';
  readonly inFlight: number;
  readonly ms: number;
  readonly campaignId: string;
  readonly backers: readonly { id: string; pseudonym: string }[];
}

class Root {}
// Called, not written as a decorator: this file runs by type stripping alone.
Module({ imports: [PlatformModule.forRoot({ processName: 'bench', entities: [] }), PledgesModule] })(Root);
const app = await NestFactory.createApplicationContext(Root as Type, { logger: false, abortOnError: false });
const commands = app.get(CashPledgeCommands);

// The writer's own statements, but never two pledges in one transaction, and as many at a time as there are connections.
const writer = commands['writer'];
const batched = writer['committer'];
const single: typeof batched = new GroupCommitter((batch) => writer['flush'](batch), { maxBatch: 1, lanes: 8 });

async function pledge({ how, campaignId, backers }: Question, n: number): Promise<void> {
  const backer = backers[n % backers.length];
  if (!backer) throw new Error('no backer');
  const viewer: Viewer & { kind: 'contributor' } = {
    kind: 'contributor',
    contributorId: backer.id,
    pseudonym: backer.pseudonym,
    displayName: 'Bench',
    scopes: 'all',
    platformRoles: new Set(),
  };
  const input = { campaignId, amountMinor: 2_500n, currency: 'USD', idempotencyKey: newId() };
  const outcome = how === 'whole' ? await commands.create(viewer, input) : await commands.promise(viewer, input);
  if (isRefused(outcome)) throw new Error(outcome.first.message);
}

process.on('message', (question: Question) => {
  Object.assign(writer, { committer: question.how === 'single' ? single : batched });
  const start = performance.now();
  let done = 0;
  const caller = async (): Promise<void> => {
    while (performance.now() - start < question.ms) {
      await pledge(question, done);
      done += 1;
    }
  };
  Promise.all(Array.from({ length: question.inFlight }, caller)).then(
    () => process.send?.({ done, ms: performance.now() - start }),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    },
  );
});
process.on('SIGTERM', () => void app.close().then(() => process.exit(0)));
process.on('disconnect', () => process.exit(0));
process.send?.({ ready: true });
