/**
 * Reads the part of YAML that recorded HTTP traffic is kept in: block mappings and sequences, flow mappings and
 * sequences, plain and quoted scalars over several lines. No anchors, tags, block scalars or documents: those throw.
 */
export type YamlValue = string | number | boolean | null | YamlValue[] | { [key: string]: YamlValue };

/** @throws Error that names the line. */
export function readYaml(text: string): YamlValue {
  const reader = new YamlReader(text.replaceAll('\r\n', '\n'));
  return reader.document();
}

class YamlReader {
  #at = 0;

  constructor(private readonly text: string) {}

  document(): YamlValue {
    const value = this.#node(-1);
    this.#skipBlank();
    if (this.#at < this.text.length) throw this.#error('unexpected text');
    return value;
  }

  #node(parentColumn: number): YamlValue {
    this.#skipBlank();
    const column = this.#column();
    if (this.#at >= this.text.length || column <= parentColumn) return null;
    if (this.#startsItem()) return this.#sequence(column);
    return this.#startsKey() ? this.#mapping(column) : this.#inline(column);
  }

  #sequence(column: number): YamlValue[] {
    const items: YamlValue[] = [];
    for (;;) {
      this.#skipBlank();
      if (this.#at >= this.text.length || this.#column() !== column || !this.#startsItem()) return items;
      this.#at += 1;
      items.push(this.#node(column));
    }
  }

  #mapping(column: number): Record<string, YamlValue> {
    const entries: Record<string, YamlValue> = {};
    for (;;) {
      this.#skipBlank();
      if (this.#at >= this.text.length || this.#column() !== column || this.#startsItem()) return entries;
      const key = this.#key();
      entries[key] = this.#valueOf(column);
    }
  }

  #valueOf(column: number): YamlValue {
    while (this.text[this.#at] === ' ') this.#at += 1;
    if (this.#at < this.text.length && this.text[this.#at] !== '\n') return this.#inline(column);
    this.#skipBlank();
    // A sequence may stand as far left as its key.
    if (this.#column() === column && this.#startsItem()) return this.#sequence(column);
    return this.#node(column);
  }

  #key(): string {
    const start = this.text[this.#at];
    if (start === '"' || start === "'") {
      const key = this.#quoted(start);
      this.#expect(':');
      return key;
    }
    const colon = /:(?=[ \n]|$)/.exec(this.text.slice(this.#at));
    if (colon === null) throw this.#error('a key without a colon');
    const key = this.text.slice(this.#at, this.#at + colon.index);
    if (key.includes('\n') || '&*!|>%@`'.includes(key[0] ?? ' ')) throw this.#error('not a plain key');
    this.#at += colon.index + 1;
    return key.trim();
  }

  /** A value that begins on this line; a plain one may go on in lines further right than `column`. */
  #inline(column: number): YamlValue {
    const start = this.text[this.#at] ?? '';
    if (start === '{' || start === '[' || start === '"' || start === "'") return this.#flow();
    if ('&*!|>%@`'.includes(start)) throw this.#error('not understood here');
    const lines = [this.#restOfLine()];
    for (;;) {
      const next = /^\n*( *)(?=[^ \n])/.exec(this.text.slice(this.#at));
      if (next === null || (next[1]?.length ?? 0) <= column || this.#at >= this.text.length) break;
      this.#at += next[0].length;
      lines.push(this.#restOfLine());
    }
    return scalarOf(lines.join(' ').trim());
  }

  #flow(): YamlValue {
    this.#skipBlank();
    const start = this.text[this.#at] ?? '';
    if (start === '"' || start === "'") return this.#quoted(start);
    if (start === '[') return this.#flowSequence();
    if (start === '{') return this.#flowMapping();
    return scalarOf(this.#flowPlain());
  }

  #flowSequence(): YamlValue[] {
    const items: YamlValue[] = [];
    this.#expect('[');
    while (!this.#closes(']')) {
      items.push(this.#flow());
      if (!this.#closesNext(']')) this.#expect(',');
    }
    return items;
  }

  #flowMapping(): Record<string, YamlValue> {
    const entries: Record<string, YamlValue> = {};
    this.#expect('{');
    while (!this.#closes('}')) {
      this.#skipBlank();
      const start = this.text[this.#at] ?? '';
      const key = start === '"' || start === "'" ? this.#quoted(start) : this.#flowPlain(':');
      this.#expect(':');
      entries[key] = this.#flow();
      if (!this.#closesNext('}')) this.#expect(',');
    }
    return entries;
  }

  #closes(bracket: string): boolean {
    const closes = this.#closesNext(bracket);
    if (closes) this.#at += 1;
    return closes;
  }

  #closesNext(bracket: string): boolean {
    this.#skipBlank();
    if (this.#at >= this.text.length) throw this.#error(`${bracket} is missing`);
    return this.text[this.#at] === bracket;
  }

  #flowPlain(alsoEndsAt = ''): string {
    const from = this.#at;
    while (this.#at < this.text.length && !`,]}${alsoEndsAt}`.includes(this.text[this.#at] ?? '')) this.#at += 1;
    return this.text.slice(from, this.#at).replaceAll(/\s+/g, ' ').trim();
  }

  #quoted(quote: string): string {
    this.#at += 1;
    let value = '';
    for (;;) {
      const letter = this.text[this.#at];
      if (letter === undefined) throw this.#error('a quote is not closed');
      if (letter === quote) {
        this.#at += 1;
        if (quote !== "'" || this.text[this.#at] !== "'") return value;
        value += "'";
        this.#at += 1;
      } else if (letter === '\\' && quote === '"') value += this.#escape();
      else if (letter === '\n') {
        value = value.replace(/ +$/, '') + this.#fold();
      } else {
        value += letter;
        this.#at += 1;
      }
    }
  }

  /** A line break inside quotes is a space; n empty lines are n line breaks. */
  #fold(): string {
    const run = /^\n[\s]*/.exec(this.text.slice(this.#at))?.[0] ?? '\n';
    this.#at += run.length;
    const breaks = run.split('\n').length - 1;
    return breaks === 1 ? ' ' : '\n'.repeat(breaks - 1);
  }

  #escape(): string {
    const kind = this.text[this.#at + 1] ?? '';
    if (kind === '\n') {
      this.#at += (/^\\\n[ \t]*/.exec(this.text.slice(this.#at))?.[0] ?? '').length;
      return '';
    }
    const digits = { x: 2, u: 4, U: 8 }[kind];
    if (digits !== undefined) {
      const code = Number.parseInt(this.text.slice(this.#at + 2, this.#at + 2 + digits), 16);
      this.#at += 2 + digits;
      return String.fromCodePoint(code);
    }
    const plain = { n: '\n', t: '\t', r: '\r', '0': '\0', '"': '"', '\\': '\\', '/': '/', ' ': ' ', e: '\u001B' }[kind];
    if (plain === undefined) throw this.#error(`unknown escape \\${kind}`);
    this.#at += 2;
    return plain;
  }

  #restOfLine(): string {
    const end = this.text.indexOf('\n', this.#at);
    const line = this.text.slice(this.#at, end === -1 ? this.text.length : end);
    this.#at += line.length;
    return line.trim();
  }

  #startsItem(): boolean {
    return this.text[this.#at] === '-' && /[\s]/.test(this.text[this.#at + 1] ?? ' ');
  }

  #startsKey(): boolean {
    const start = this.text[this.#at] ?? '';
    if (start === '{' || start === '[') return false;
    const end = this.text.indexOf('\n', this.#at);
    const line = this.text.slice(this.#at, end === -1 ? this.text.length : end);
    return start === '"' || start === "'" ? /^(["']).*?\1:(\s|$)/.test(line) : /:( |$)/.test(line);
  }

  #skipBlank(): void {
    while (/\s/.test(this.text[this.#at] ?? 'x')) this.#at += 1;
  }

  #column(): number {
    return this.#at - (this.text.lastIndexOf('\n', this.#at - 1) + 1);
  }

  #expect(letter: string): void {
    this.#skipBlank();
    if (this.text[this.#at] !== letter) throw this.#error(`expected ${letter}`);
    this.#at += 1;
  }

  #error(message: string): Error {
    const line = this.text.slice(0, this.#at).split('\n').length;
    return new Error(`line ${line}: ${message}`);
  }
}

function scalarOf(text: string): YamlValue {
  if (text === '' || text === '~' || text === 'null') return null;
  if (text === 'true' || text === 'false') return text === 'true';
  return /^-?\d{1,15}$/.test(text) ? Number(text) : text;
}
