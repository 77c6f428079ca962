import type { AccountSpec, Balance, TransferSpec } from '#ledger';

/** What the model remembers of an accepted transfer. */
interface Booked {
  readonly spec: TransferSpec;
  readonly content: string;
  readonly debit: string;
  readonly credit: string;
  readonly amount: bigint;
  readonly at: number;
}

/** `OK`, or the code of the first rule broken. */
export type Verdict = {
  readonly code: string;
  readonly amounts: readonly bigint[];
  readonly replayed: readonly boolean[];
};

const MAX = 10n ** 18n;
/** What a refusal may be for that asks to be kept. */
const MAY_PASS = new Set([
  'LEDGER_PENDING_NOT_FOUND',
  'LEDGER_ACCOUNT_NOT_FOUND',
  'LEDGER_ACCOUNT_CLOSED',
  'LEDGER_BALANCE_OVERFLOW',
  'LEDGER_LIMIT_EXCEEDED',
]);
const FULL = 9n * 10n ** 18n;

/**
 * The ledger as one would explain it: a list of transfers, every balance summed from the list when asked for. Slow and
 * plain on purpose; the property tests hold the real one against it.
 */
export class LedgerModel {
  private booked: Booked[] = [];
  private readonly burnt = new Map<string, string>();
  private readonly accounts = new Map<string, AccountSpec>();

  open(specs: readonly AccountSpec[]): void {
    for (const spec of specs) this.accounts.set(spec.code, spec);
  }

  submit(chain: readonly TransferSpec[], now: number): Verdict {
    const refused = (code: string): Verdict => ({ code, amounts: [], replayed: [] });
    for (const spec of chain) {
      const code = this.shape(spec);
      if (code) return refused(code);
    }
    const before = [...this.booked];
    const amounts: bigint[] = [];
    const replayed: boolean[] = [];
    for (const spec of chain) {
      const known = this.find(spec.key);
      const answer = known
        ? known.content === content(spec)
          ? known
          : 'LEDGER_KEY_MISMATCH'
        : (this.refusedForGood(spec) ?? this.judge(spec, now));
      if (typeof answer === 'string') {
        this.booked = before;
        if (spec.burn === true && MAY_PASS.has(answer)) this.burnt.set(spec.key, content(spec));
        return refused(answer);
      }
      if (!known) this.booked.push(answer);
      amounts.push(answer.amount);
      replayed.push(known !== undefined);
    }
    return { code: 'OK', amounts, replayed };
  }

  balance(code: string, at: number): Balance {
    let [debitsPending, debitsPosted, creditsPending, creditsPosted] = [0n, 0n, 0n, 0n];
    for (const t of this.booked) {
      if (t.at > at || (t.debit !== code && t.credit !== code)) continue;
      const held = t.spec.kind === 'pending' && this.state(t, at) === 'pending' ? t.amount : 0n;
      const moved = t.spec.kind === 'posted' || t.spec.kind === 'post_pending' ? t.amount : 0n;
      if (t.debit === code) [debitsPending, debitsPosted] = [debitsPending + held, debitsPosted + moved];
      else [creditsPending, creditsPosted] = [creditsPending + held, creditsPosted + moved];
    }
    return { debitsPending, debitsPosted, creditsPending, creditsPosted };
  }

  closed(code: string, at: number): boolean {
    return this.booked.some(
      (t) => t.at <= at && this.state(t, at) === 'pending' && t.spec.closes !== undefined && t[t.spec.closes] === code,
    );
  }

  private refusedForGood(spec: TransferSpec): string | undefined {
    const asked = this.burnt.get(spec.key);
    if (asked === undefined) return undefined;
    return asked === content(spec) ? 'LEDGER_KEY_BURNT' : 'LEDGER_KEY_MISMATCH';
  }

  private find(key: string | undefined): Booked | undefined {
    return this.booked.find((t) => t.spec.key === key);
  }

  private state(pending: Booked, at: number): 'pending' | 'expired' | 'resolved' {
    if (this.booked.some((t) => t.spec.pendingKey === pending.spec.key && t.at <= at)) return 'resolved';
    return pending.spec.expiresAt !== undefined && pending.spec.expiresAt.getTime() <= at ? 'expired' : 'pending';
  }

  private shape(spec: TransferSpec): string | undefined {
    const resolves = spec.kind === 'post_pending' || spec.kind === 'void_pending';
    const least = spec.kind === 'pending' && spec.closes !== undefined ? 0n : 1n;
    const bad = (amount: bigint) => amount < least || amount > MAX;
    if (spec.amount === undefined ? !resolves : bad(spec.amount)) return 'LEDGER_AMOUNT_INVALID';
    if (spec.debit !== undefined && spec.debit === spec.credit) return 'LEDGER_ACCOUNTS_EQUAL';
    return undefined;
  }

  private judge(spec: TransferSpec, now: number): Booked | string {
    if (spec.kind === 'post_pending' || spec.kind === 'void_pending') return this.judgeResolution(spec, now);
    const { debit = '', credit = '' } = spec;
    const [from, to] = [this.accounts.get(debit), this.accounts.get(credit)];
    if (!from || !to) return 'LEDGER_ACCOUNT_NOT_FOUND';
    if (from.unit !== to.unit) return 'LEDGER_UNIT_MISMATCH';
    if (spec.expiresAt !== undefined && spec.expiresAt.getTime() <= now) return 'LEDGER_EXPIRY_PAST';
    if (this.closed(debit, now) || this.closed(credit, now)) return 'LEDGER_ACCOUNT_CLOSED';
    const [d, c] = [this.balance(debit, now), this.balance(credit, now)];
    const ofDebit = d.creditsPosted - d.debitsPosted - d.debitsPending;
    const ofCredit = c.debitsPosted - c.creditsPosted - c.creditsPending;
    const either = ofDebit < ofCredit ? ofDebit : ofCredit;
    const left = spec.balancing ? { debit: ofDebit, credit: ofCredit, both: either }[spec.balancing] : MAX;
    if (left <= 0n) return 'LEDGER_LIMIT_EXCEEDED';
    const asked = spec.amount ?? 0n;
    const amount = asked < left ? asked : left;
    const debits = d.debitsPending + d.debitsPosted + amount;
    const credits = c.creditsPending + c.creditsPosted + amount;
    if (debits > FULL || credits > FULL) return 'LEDGER_BALANCE_OVERFLOW';
    if (from.limit === 'debits_must_not_exceed_credits' && debits > d.creditsPosted) return 'LEDGER_LIMIT_EXCEEDED';
    if (to.limit === 'credits_must_not_exceed_debits' && credits > c.debitsPosted) return 'LEDGER_LIMIT_EXCEEDED';
    return { spec, content: content(spec), debit, credit, amount, at: now };
  }

  private judgeResolution(spec: TransferSpec, now: number): Booked | string {
    const pending = this.find(spec.pendingKey);
    if (!pending) return 'LEDGER_PENDING_NOT_FOUND';
    if (pending.spec.kind !== 'pending') return 'LEDGER_PENDING_WRONG_KIND';
    if (spec.debit !== undefined && spec.debit !== pending.debit) return 'LEDGER_PENDING_MISMATCH';
    if (spec.credit !== undefined && spec.credit !== pending.credit) return 'LEDGER_PENDING_MISMATCH';
    const amount = spec.amount ?? pending.amount;
    if (amount > pending.amount) return 'LEDGER_POST_EXCEEDS_PENDING';
    if (spec.kind === 'void_pending' && amount !== pending.amount) return 'LEDGER_PENDING_MISMATCH';
    const state = this.state(pending, now);
    if (state === 'expired') return 'LEDGER_PENDING_EXPIRED';
    if (state === 'resolved') return 'LEDGER_PENDING_RESOLVED';
    const closed = this.closed(pending.debit, now) || this.closed(pending.credit, now);
    if (spec.kind === 'post_pending' && closed) return 'LEDGER_ACCOUNT_CLOSED';
    return { spec, content: content(spec), debit: pending.debit, credit: pending.credit, amount, at: now };
  }
}

const content = (spec: TransferSpec): string =>
  JSON.stringify([
    spec.kind,
    spec.debit,
    spec.credit,
    spec.amount?.toString(),
    spec.pendingKey,
    spec.expiresAt,
    spec.reason,
    spec.balancing,
    spec.closes,
    spec.burn,
  ]);
