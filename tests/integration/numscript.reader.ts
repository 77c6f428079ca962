/*
 * Reads a numscript into a tree, as far as the published cases need it. The grammar is that of their documentation; the
 * words (send, source, max, remaining, kept, oneof, save, allowing overdraft) are theirs.
 */

export type Expression =
  | { readonly kind: 'number'; readonly value: bigint }
  | { readonly kind: 'portion'; readonly numerator: Expression; readonly denominator: Expression }
  | { readonly kind: 'text' | 'asset'; readonly value: string }
  /** Parts of an account's name; a variable stands for its value. */
  | { readonly kind: 'account'; readonly parts: readonly string[] }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'money'; readonly asset: Expression; readonly amount: Expression }
  | { readonly kind: 'sum'; readonly left: Expression; readonly right: Expression; readonly sign: 1n | -1n }
  | { readonly kind: 'minus'; readonly of: Expression }
  | { readonly kind: 'call'; readonly name: string; readonly with: readonly Expression[] };

export type Source =
  | {
      readonly kind: 'account';
      readonly account: Expression;
      readonly color?: Expression;
      readonly overdraft?: Expression | 'unbounded';
      readonly scaled: boolean;
    }
  | { readonly kind: 'max'; readonly most: Expression; readonly from: Source }
  | { readonly kind: 'inorder' | 'oneof'; readonly from: readonly Source[] }
  | { readonly kind: 'allotment'; readonly parts: readonly { portion: Expression | 'remaining'; of: Source }[] };

export type Target = Destination | 'kept';
export type Destination =
  | { readonly kind: 'account'; readonly account: Expression }
  | {
      readonly kind: 'inorder' | 'oneof';
      readonly parts: readonly { most: Expression; to: Target }[];
      readonly rest: Target;
    }
  | { readonly kind: 'allotment'; readonly parts: readonly { portion: Expression | 'remaining'; of: Target }[] };

export type Statement =
  | {
      readonly kind: 'send';
      readonly amount: Expression | { readonly allOf: Expression };
      readonly source: Source;
      readonly destination: Destination;
    }
  | {
      readonly kind: 'save';
      readonly amount: Expression | { readonly allOf: Expression };
      readonly account: Expression;
    }
  | { readonly kind: 'call'; readonly call: Expression };

export interface Script {
  readonly variables: readonly { type: string; name: string; value?: Expression }[];
  readonly statements: readonly Statement[];
}

const TOKEN =
  /\s+|\/\/[^\n]*|#!\[[^\n]*\]|(?<token>"[^"]*"|@[\w:$-]+|\$\w+|\d[\d_]*(?:\.\d+)?%|\d[\d_]*|[A-Z][A-Z0-9]*(?:\/\d+)?(?![a-z])|[a-z]\w*|[-+()[\]{}=,*\\/])/gy;

export function readScript(text: string): Script {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (!match) throw new Error(`unread: ${text.slice(at, at + 40)}`);
    if (match.groups?.['token'] !== undefined) tokens.push(match.groups['token']);
  }
  return new Reader(tokens).script();
}

class Reader {
  private at = 0;
  constructor(private readonly tokens: readonly string[]) {}

  script(): Script {
    const variables: { type: string; name: string; value?: Expression }[] = [];
    if (this.take('vars')) {
      this.want('{');
      while (!this.take('}')) {
        const [type, name] = [this.next(), this.next().slice(1)];
        variables.push(this.take('=') ? { type, name, value: this.expression() } : { type, name });
      }
    }
    const statements: Statement[] = [];
    while (this.at < this.tokens.length) statements.push(this.statement());
    return { variables, statements };
  }

  private statement(): Statement {
    if (this.take('send')) {
      const amount = this.amount();
      this.want('(');
      this.want('source');
      this.want('=');
      const source = this.source();
      this.want('destination');
      this.want('=');
      const destination = this.destination();
      this.want(')');
      return { kind: 'send', amount, source, destination };
    }
    if (this.take('save')) {
      const amount = this.amount();
      this.want('from');
      return { kind: 'save', amount, account: this.expression() };
    }
    return { kind: 'call', call: this.expression() };
  }

  /** `[USD/2 *]` is all of it. */
  private amount(): Expression | { allOf: Expression } {
    const begin = this.at;
    if (this.take('[')) {
      const asset = this.primary();
      if (this.take('*')) {
        this.want(']');
        return { allOf: asset };
      }
      this.at = begin;
    }
    return this.expression();
  }

  private source(): Source {
    if (this.take('max')) {
      const most = this.expression();
      this.want('from');
      return { kind: 'max', most, from: this.source() };
    }
    if (this.take('oneof')) {
      this.want('{');
      return { kind: 'oneof', from: this.until(() => this.source()) };
    }
    if (this.take('{')) {
      const isPlain = ['max', 'oneof', '{'].includes(this.peek() ?? '');
      const portion = isPlain ? undefined : this.portion('from');
      if (portion === undefined) return { kind: 'inorder', from: this.until(() => this.source()) };
      const parts = [{ portion, of: this.source() }];
      parts.push(
        ...this.until(() => {
          const next = this.portion('from');
          if (next === undefined) throw new Error('a part of a source without its portion');
          return { portion: next, of: this.source() };
        }),
      );
      return { kind: 'allotment', parts };
    }
    const account = this.primary();
    const color = this.take('\\') || this.take('restrict') ? { color: this.primary() } : {};
    const overdraft = this.take('allowing') ? { overdraft: this.overdraft() } : {};
    const scaled = this.take('with');
    if (scaled) {
      this.want('scaling');
      this.want('through');
      this.primary();
    }
    return { kind: 'account', account, ...color, ...overdraft, scaled };
  }

  private overdraft(): Expression | 'unbounded' {
    if (this.take('unbounded')) {
      this.want('overdraft');
      return 'unbounded';
    }
    this.want('overdraft');
    this.want('up');
    this.want('to');
    return this.expression();
  }

  private destination(): Destination {
    const isOneOf = this.take('oneof');
    if (!this.take('{')) return { kind: 'account', account: this.primary() };
    if (this.peek() === 'max' || isOneOf) {
      const parts: { most: Expression; to: Target }[] = [];
      while (this.take('max')) {
        const most = this.expression();
        parts.push({ most, to: this.target() });
      }
      this.want('remaining');
      const rest = this.target();
      this.want('}');
      return { kind: isOneOf ? 'oneof' : 'inorder', parts, rest };
    }
    const parts = this.until(() => {
      const portion = this.portion();
      if (portion === undefined) throw new Error('a part of a destination without its portion');
      return { portion, of: this.target() };
    });
    return { kind: 'allotment', parts };
  }

  private target(): Target {
    if (this.take('kept')) return 'kept';
    this.want('to');
    return this.destination();
  }

  /** A portion, if one stands here; with a word that has to follow it, which is taken as well. */
  private portion(follow?: string): Expression | 'remaining' | undefined {
    const begin = this.at;
    const found: Expression | 'remaining' = this.take('remaining') ? 'remaining' : this.primary();
    if (follow === undefined || this.take(follow)) return found;
    this.at = begin;
    return undefined;
  }

  expression(): Expression {
    let left = this.primary();
    for (;;) {
      if (this.take('+')) left = { kind: 'sum', left, right: this.primary(), sign: 1n };
      else if (this.take('-')) left = { kind: 'sum', left, right: this.primary(), sign: -1n };
      else return left;
    }
  }

  private primary(): Expression {
    const first = this.value();
    if (!this.take('/')) return first;
    return { kind: 'portion', numerator: first, denominator: this.value() };
  }

  private value(): Expression {
    const token = this.next();
    if (token === '-') return { kind: 'minus', of: this.primary() };
    if (token === '(') {
      const inner = this.expression();
      this.want(')');
      return inner;
    }
    if (token === '[') {
      const asset = this.value();
      const amount = this.expression();
      this.want(']');
      return { kind: 'money', asset, amount };
    }
    if (token.startsWith('"')) return { kind: 'text', value: token.slice(1, -1) };
    if (token.startsWith('@')) return { kind: 'account', parts: token.slice(1).split(':') };
    if (token.startsWith('$')) return { kind: 'variable', name: token.slice(1) };
    if (token.endsWith('%')) return percentOf(token);
    if (/^\d/.test(token)) return { kind: 'number', value: BigInt(token.replaceAll('_', '')) };
    if (/^[A-Z]/.test(token)) return { kind: 'asset', value: token };
    this.want('(');
    const given: Expression[] = [];
    while (!this.take(')')) {
      given.push(this.expression());
      this.take(',');
    }
    return { kind: 'call', name: token, with: given };
  }

  private until<T>(read: () => T): T[] {
    const all: T[] = [];
    while (!this.take('}')) all.push(read());
    return all;
  }
  private peek(): string | undefined {
    return this.tokens[this.at];
  }
  private next(): string {
    const token = this.tokens[this.at];
    if (token === undefined) throw new Error('the script ends too early');
    this.at += 1;
    return token;
  }
  private take(token: string): boolean {
    if (this.tokens[this.at] !== token) return false;
    this.at += 1;
    return true;
  }
  private want(token: string): void {
    const found = this.next();
    if (found !== token) throw new Error(`${found} stands where ${token} should`);
  }
}

/** "12.5%" is 125 of 1000. */
export function percentOf(text: string): Expression {
  const [whole = '0', decimals = ''] = text.replaceAll('_', '').slice(0, -1).split('.');
  const number = (value: bigint): Expression => ({ kind: 'number', value });
  return {
    kind: 'portion',
    numerator: number(BigInt(whole + decimals)),
    denominator: number(100n * 10n ** BigInt(decimals.length)),
  };
}
