import { Injectable } from '@nestjs/common';
import { type Outcome, type Page, type PageArgs, decodeCursor, isRefused, pageOf, pageSize } from '#kernel';
import { type KeptMethod, type MethodLook, PaymentMethods } from '#payments';
import { UnitOfWork, type Viewer } from '#platform';
import { CashPledgeCommands } from './cash-pledge.commands.js';
import { PledgePlanCommands } from './plan.commands.js';
import { PledgePaying } from './pledge.paying.js';
import { refusePledge } from './pledge.refusal.js';
import { lockCashPledges } from './store/cash-pledge.store.js';
import { lockPlan } from './store/plan.store.js';
import { type MethodUse, usesOfMethods } from './store/method-use.store.js';

type SignedIn = Viewer & { kind: 'contributor' };

/** A card or an account that somebody saved, with what it is charged for. */
export interface SavedMethod extends KeptMethod {
  readonly look: MethodLook | undefined;
  readonly uses: readonly MethodUse[];
}

/** The cards and accounts of a donor, seen from the person who saved them. */
@Injectable()
export class SavedMethods {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly methods: PaymentMethods,
    private readonly pledges: CashPledgeCommands,
    private readonly plans: PledgePlanCommands,
    private readonly paying: PledgePaying,
  ) {}

  /** What may still be charged, newest first. How they look is asked of the processor. */
  async of(viewer: SignedIn, args: PageArgs): Promise<Page<SavedMethod>> {
    const limit = pageSize(args.first);
    const after = decodeCursor(args.after);
    const { kept, uses } = await this.uow.read(async (tx) => {
      const rows = await this.methods.kept(tx, viewer.pseudonym);
      return { kept: rows, uses: await usesOfMethods(tx, viewer.contributorId, idsOf(rows)) };
    });
    const looks = kept.length > 0 ? await this.methods.looks(viewer.pseudonym) : new Map<string, MethodLook>();
    const methods = kept
      .filter(({ id }) => after === undefined || id < after)
      .map((row) => ({ ...row, look: looks.get(row.id), uses: uses.filter((use) => use.methodId === row.id) }));
    return pageOf(methods, limit, ({ id }) => id);
  }

  /**
   * Removes a method for good, and with it what only it could pay: a pledge that waits for its charge is withdrawn, a
   * monthly pledge is stopped. What was charged stays given. Refusals: PLEDGE_METHOD_NOT_FOUND; PLEDGE_METHOD_IN_USE
   * while a charge is under way or the list of a close is final.
   */
  async remove(viewer: SignedIn, methodId: string): Promise<Outcome<string>> {
    const payments = await this.uow.run('pledges.method-remove', async (tx) => {
      const kept = await this.methods.kept(tx, viewer.pseudonym);
      if (!idsOf(kept).includes(methodId)) return refusePledge('PLEDGE_METHOD_NOT_FOUND', ['input', 'methodId']);
      const uses = await usesOfMethods(tx, viewer.contributorId, [methodId]);
      const open: string[] = [];
      for (const { planId } of uses) {
        const plan = planId === null ? undefined : await lockPlan(tx, planId);
        if (plan) await this.plans.stopIn(tx, plan);
      }
      const waiting = uses.flatMap(({ pledgeId }) => pledgeId ?? []);
      for (const pledge of await lockCashPledges(tx, waiting)) {
        const cancelled = await this.pledges.cancelIn(tx, pledge);
        if (isRefused(cancelled))
          return refusePledge('PLEDGE_METHOD_IN_USE', ['input', 'methodId'], `A pledge is ${pledge.state}.`);
        open.push(...cancelled);
      }
      await this.methods.release(tx, [methodId]);
      return open;
    });
    if (isRefused(payments)) return payments;
    await this.paying.submitCancels(payments);
    return methodId;
  }
}

const idsOf = (methods: readonly KeptMethod[]): string[] => methods.map(({ id }) => id);
