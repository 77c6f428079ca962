import { allot, isRefused, newId } from '#kernel';
import type { Ledger, TransferSpec } from '#ledger';
import type { Tx } from '#platform';
import {
  type Destination,
  type Expression,
  type Script,
  type Source,
  type Target,
  percentOf,
} from './numscript.reader.js';

/*
 * Does what a script says by transfers of our ledger, in one transaction. Every source is asked by a balancing transfer
 * into a clearing account, so it is the ledger that knows what there is; an overdraft is a credit line lent for the
 * asking; what is saved is held by a pending transfer. What comes out of the clearing account is the script's postings.
 */

export interface Posting {
  readonly source: string;
  readonly destination: string;
  readonly amount: bigint;
  readonly asset: string;
  readonly color?: string;
}
export type Value =
  | { readonly kind: 'number'; readonly value: bigint }
  | { readonly kind: 'text' | 'asset' | 'account'; readonly value: string }
  | { readonly kind: 'portion'; readonly numerator: bigint; readonly denominator: bigint }
  | { readonly kind: 'money'; readonly asset: string; readonly amount: bigint };
type Money = Extract<Value, { kind: 'money' }>;

/** What is there doesn't reach; everything is undone. */
export class MissingFunds extends Error {}

/** Money in the clearing account, in the order in which it came. */
interface Drawn {
  readonly account: string;
  readonly color: string;
  amount: bigint;
}

export interface Books {
  readonly ledger: Ledger;
  readonly tx: Tx;
  /** The code of an account of ours, opened if need be. */
  readonly account: (name: string, asset: string, color: string) => Promise<string>;
}
const CLEARING = '(clearing)';
const LINE = '(credit line)';
const SAVED = '(saved)';

export class NumscriptRun {
  readonly postings: Posting[] = [];
  private readonly known = new Map<string, Value>();
  private readonly held: string[] = [];

  constructor(
    private readonly books: Books,
    private readonly script: Script,
    private readonly given: Readonly<Record<string, string>>,
    private readonly metadata: Readonly<Record<string, Readonly<Record<string, string>>>>,
  ) {}

  async run(): Promise<Posting[]> {
    for (const { type, name, value } of this.script.variables) {
      const text = this.given[name];
      const found = value === undefined ? valueOf(type, text ?? '') : await this.evaluate(value);
      // A text from the metadata is of the type that is asked for.
      this.known.set(name, found.kind === 'text' && type !== 'string' ? valueOf(type, found.value) : found);
    }
    for (const statement of this.script.statements) {
      if (statement.kind === 'call') await this.evaluate(statement.call);
      else if (statement.kind === 'save') await this.save(statement.amount, statement.account);
      else await this.send(statement.amount, statement.source, statement.destination);
    }
    for (const pendingKey of this.held)
      await this.post({ key: newId(), kind: 'void_pending', pendingKey, reason: 'the script is over' });
    return this.postings;
  }

  private async send(asked: Expression | { allOf: Expression }, from: Source, to: Destination): Promise<void> {
    const queue: Drawn[] = [];
    if ('allOf' in asked) {
      const asset = await this.assetOf(asked.allOf);
      await this.draw(from, asset, undefined, queue);
      return this.deliver(to, asset, totalOf(queue), queue);
    }
    const { asset, amount } = await this.moneyOf(asked);
    if ((await this.draw(from, asset, amount, queue)) < amount) throw new MissingFunds();
    return this.deliver(to, asset, amount, queue);
  }

  /** Draws up to `most`, or all there is, into the clearing account. */
  private async draw(from: Source, asset: string, most: bigint | undefined, queue: Drawn[]): Promise<bigint> {
    switch (from.kind) {
      case 'account':
        return this.drawAccount(from, asset, most, queue);
      case 'max': {
        const cap = (await this.moneyOf(from.most)).amount;
        const limit = cap < 0n ? 0n : cap;
        return this.draw(from.from, asset, most === undefined || limit < most ? limit : most, queue);
      }
      case 'inorder': {
        let sum = 0n;
        for (const one of from.from)
          sum += await this.draw(one, asset, most === undefined ? undefined : most - sum, queue);
        return sum;
      }
      case 'oneof': {
        for (const one of from.from) {
          const tried: Drawn[] = [];
          const found = await this.draw(one, asset, most, tried);
          if (most === undefined || found === most) {
            queue.push(...tried);
            return found;
          }
          for (const back of tried) await this.move(asset, back.color, CLEARING, back.account, back.amount);
        }
        throw new MissingFunds();
      }
      case 'allotment': {
        if (most === undefined) throw new Error('all of it can not be allotted among sources');
        const shares = await this.sharesOf(from.parts, most);
        for (const [n, { of }] of from.parts.entries()) {
          const share = shares[n] ?? 0n;
          if ((await this.draw(of, asset, share, queue)) < share) throw new MissingFunds();
        }
        return most;
      }
    }
  }

  private async drawAccount(
    from: Extract<Source, { kind: 'account' }>,
    asset: string,
    most: bigint | undefined,
    queue: Drawn[],
  ): Promise<bigint> {
    if (most !== undefined && most <= 0n) return 0n;
    const account = await this.nameOf(from.account);
    const color = from.color === undefined ? '' : await this.textOf(from.color);
    const isBoundless = from.overdraft === 'unbounded' || account === 'world';
    let taken: bigint;
    if (isBoundless && most !== undefined) {
      await this.move(asset, color, account, CLEARING, most);
      taken = most;
    } else {
      const line = from.overdraft === undefined || from.overdraft === 'unbounded' ? undefined : from.overdraft;
      const lent = line === undefined ? 0n : (await this.moneyOf(line)).amount;
      if (lent > 0n) await this.move(asset, color, LINE, account, lent);
      taken = await this.take(asset, color, account, most);
      if (lent > 0n) await this.move(asset, color, account, LINE, lent);
    }
    if (taken > 0n) queue.push({ account, color, amount: taken });
    return taken;
  }

  /** As much as the ledger lets go. */
  private async take(asset: string, color: string, account: string, most: bigint | undefined): Promise<bigint> {
    const [debit, credit] = await this.both(asset, color, account, CLEARING);
    const amount = most ?? 10n ** 18n;
    const spec = { key: newId(), kind: 'posted', debit, credit, amount, balancing: 'debit', reason: 'drawn' } as const;
    const outcome = await this.books.ledger.post(this.books.tx, [spec]);
    if (!isRefused(outcome)) return outcome[0]?.amount ?? 0n;
    if (outcome.first.code !== 'LEDGER_LIMIT_EXCEEDED') throw new Error(outcome.first.message);
    return 0n;
  }

  private async deliver(to: Target, asset: string, amount: bigint, queue: Drawn[]): Promise<void> {
    if (to === 'kept') return this.hand(queue, asset, amount, undefined);
    switch (to.kind) {
      case 'account':
        return this.hand(queue, asset, amount, await this.nameOf(to.account));
      case 'inorder': {
        let left = amount;
        for (const part of to.parts) {
          const most = (await this.moneyOf(part.most)).amount;
          const share = most < 0n ? 0n : most < left ? most : left;
          await this.deliver(part.to, asset, share, queue);
          left -= share;
        }
        return this.deliver(to.rest, asset, left, queue);
      }
      case 'oneof': {
        for (const part of to.parts)
          if ((await this.moneyOf(part.most)).amount >= amount) return this.deliver(part.to, asset, amount, queue);
        return this.deliver(to.rest, asset, amount, queue);
      }
      case 'allotment': {
        const shares = await this.sharesOf(to.parts, amount);
        for (const [n, { of }] of to.parts.entries()) await this.deliver(of, asset, shares[n] ?? 0n, queue);
      }
    }
  }

  /** What was drawn first goes first; to nobody means back to where it came from. */
  private async hand(queue: Drawn[], asset: string, amount: bigint, to: string | undefined): Promise<void> {
    let left = amount;
    const before = this.postings.length;
    for (const drawn of queue) {
      const part = drawn.amount < left ? drawn.amount : left;
      if (part === 0n) continue;
      drawn.amount -= part;
      left -= part;
      await this.move(asset, drawn.color, CLEARING, to ?? drawn.account, part);
      if (to === undefined) continue;
      const last = this.postings.length > before ? this.postings.at(-1) : undefined;
      const isSame =
        last?.source === drawn.account &&
        last.destination === to &&
        last.asset === asset &&
        (last.color ?? '') === drawn.color;
      const posting = { source: drawn.account, destination: to, amount: part, asset };
      const colored = drawn.color === '' ? posting : { ...posting, color: drawn.color };
      if (isSame) this.postings[this.postings.length - 1] = { ...colored, amount: part + last.amount };
      else this.postings.push(colored);
    }
    if (left !== 0n) throw new Error('more was to be handed out than was drawn');
  }

  private async save(asked: Expression | { allOf: Expression }, from: Expression): Promise<void> {
    const all = 'allOf' in asked;
    const { asset, amount } = all
      ? { asset: await this.assetOf(asked.allOf), amount: 10n ** 18n }
      : await this.moneyOf(asked);
    const [debit, credit] = await this.both(asset, '', await this.nameOf(from), SAVED);
    const key = newId();
    const spec = { key, kind: 'pending', debit, credit, amount, balancing: 'debit', reason: 'saved' } as const;
    const outcome = await this.books.ledger.post(this.books.tx, [spec]);
    if (!isRefused(outcome)) this.held.push(key);
    else if (outcome.first.code !== 'LEDGER_LIMIT_EXCEEDED') throw new Error(outcome.first.message);
  }

  private async move(asset: string, color: string, from: string, to: string, amount: bigint): Promise<void> {
    if (amount === 0n || from === to) return;
    const [debit, credit] = await this.both(asset, color, from, to);
    await this.post({ key: newId(), kind: 'posted', debit, credit, amount, reason: 'script' });
  }

  private async post(spec: TransferSpec): Promise<void> {
    const outcome = await this.books.ledger.post(this.books.tx, [spec]);
    if (isRefused(outcome)) throw new Error(`${outcome.first.code}: ${outcome.first.message}`);
  }

  private async both(asset: string, color: string, one: string, other: string): Promise<[string, string]> {
    return [await this.books.account(one, asset, color), await this.books.account(other, asset, color)];
  }

  private async sharesOf(
    parts: readonly { readonly portion: Expression | 'remaining' }[],
    amount: bigint,
  ): Promise<bigint[]> {
    const portions: ({ numerator: bigint; denominator: bigint } | undefined)[] = [];
    for (const { portion } of parts)
      portions.push(portion === 'remaining' ? undefined : portionOf(await this.evaluate(portion)));
    const whole = portions.reduce((product, p) => product * (p?.denominator ?? 1n), 1n);
    const weights = portions.map((p) => p && (whole / p.denominator) * p.numerator);
    const rest = whole - weights.reduce<bigint>((sum, weight) => sum + (weight ?? 0n), 0n);
    return allot(
      amount,
      weights.map((weight) => weight ?? rest),
    );
  }

  private async evaluate(e: Expression): Promise<Value> {
    switch (e.kind) {
      case 'number':
      case 'text':
      case 'asset':
        return e;
      case 'variable': {
        const value = this.known.get(e.name);
        if (!value) throw new Error(`$${e.name} is not there`);
        return value;
      }
      case 'portion':
        return {
          kind: 'portion',
          numerator: await this.numberOf(e.numerator),
          denominator: await this.numberOf(e.denominator),
        };
      case 'account': {
        const parts: string[] = [];
        for (const part of e.parts)
          parts.push(part.startsWith('$') ? await this.textOf({ kind: 'variable', name: part.slice(1) }) : part);
        return { kind: 'account', value: parts.join(':') };
      }
      case 'money':
        return { kind: 'money', asset: await this.assetOf(e.asset), amount: await this.numberOf(e.amount) };
      case 'minus':
        return scaled(await this.evaluate(e.of), -1n);
      case 'sum':
        return sumOf(await this.evaluate(e.left), scaled(await this.evaluate(e.right), e.sign));
      case 'call':
        return this.call(e.name, e.with);
    }
  }

  private async call(name: string, given: readonly Expression[]): Promise<Value> {
    const [first, second] = given;
    if (name === 'set_tx_meta' || name === 'set_account_meta') return { kind: 'text', value: '' };
    if (!first) throw new Error(`${name} is given nothing`);
    if (name === 'get_amount') return { kind: 'number', value: (await this.moneyOf(first)).amount };
    if (name === 'get_asset') return { kind: 'asset', value: (await this.moneyOf(first)).asset };
    if (!second) throw new Error(`${name} is given too little`);
    const account = await this.nameOf(first);
    if (name === 'meta') return { kind: 'text', value: this.metadata[account]?.[await this.textOf(second)] ?? '' };
    const asset = await this.assetOf(second);
    const code = await this.books.account(account, asset, '');
    const b = await this.books.ledger.balance(this.books.tx, code);
    const stands = b.creditsPosted - b.debitsPosted;
    if (name === 'balance') return { kind: 'money', asset, amount: stands };
    if (name === 'overdraft') return { kind: 'money', asset, amount: stands < 0n ? -stands : 0n };
    throw new Error(`there is no ${name}`);
  }

  private async moneyOf(e: Expression): Promise<Money> {
    const value = await this.evaluate(e);
    if (value.kind !== 'money') throw new Error(`${value.kind} is no money`);
    return value;
  }
  private async numberOf(e: Expression): Promise<bigint> {
    const value = await this.evaluate(e);
    if (value.kind !== 'number') throw new Error(`${value.kind} is no number`);
    return value.value;
  }
  private async textOf(e: Expression): Promise<string> {
    const value = await this.evaluate(e);
    if (value.kind === 'number') return value.value.toString();
    if (value.kind === 'money' || value.kind === 'portion') throw new Error(`${value.kind} is no text`);
    return value.value;
  }
  private readonly nameOf = (e: Expression) => this.textOf(e);
  private readonly assetOf = (e: Expression) => this.textOf(e);
}

const totalOf = (queue: readonly Drawn[]): bigint => queue.reduce((sum, { amount }) => sum + amount, 0n);

function portionOf(value: Value) {
  if (value.kind !== 'portion') throw new Error(`${value.kind} is no portion`);
  return value;
}

function scaled(value: Value, by: bigint): Value {
  if (value.kind === 'number') return { kind: 'number', value: value.value * by };
  if (value.kind === 'money') return { ...value, amount: value.amount * by };
  throw new Error(`${value.kind} has no sign`);
}

function sumOf(a: Value, b: Value): Value {
  if (a.kind === 'number' && b.kind === 'number') return { kind: 'number', value: a.value + b.value };
  if (a.kind === 'money' && b.kind === 'money') return { ...a, amount: a.amount + b.amount };
  throw new Error(`${a.kind} and ${b.kind} have no sum`);
}

/** A variable as it is given, in text. */
function valueOf(type: string, text: string): Value {
  switch (type) {
    case 'number':
      return { kind: 'number', value: BigInt(text) };
    case 'monetary': {
      const [asset = '', amount = '0'] = text.split(' ');
      return { kind: 'money', asset, amount: BigInt(amount) };
    }
    case 'portion': {
      if (text.endsWith('%')) {
        const read = percentOf(text.replaceAll(' ', ''));
        if (read.kind === 'portion' && read.numerator.kind === 'number' && read.denominator.kind === 'number')
          return { kind: 'portion', numerator: read.numerator.value, denominator: read.denominator.value };
      }
      const [numerator = '0', denominator = '1'] = text.split('/');
      return { kind: 'portion', numerator: BigInt(numerator.trim()), denominator: BigInt(denominator.trim()) };
    }
    case 'asset':
      return { kind: 'asset', value: text };
    case 'account':
      return { kind: 'account', value: text };
    default:
      return { kind: 'text', value: text };
  }
}
