/** Where a text stops being JSON. JSON.parse says it in some versions of some engines; a table that people write by hand needs it in all. */

const BLANK = /[ \t\n\r]*/y;
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** "LINE:COLUMN: what is there", both from 1; null for a text that is JSON. O(length). */
export function jsonError(text: string): string | null {
  const at = new Walker(text).errorAt();
  if (at < 0) return null;
  const before = text.slice(0, at).split("\n");
  const found = at >= text.length ? "the text ends" : `unexpected ${JSON.stringify([...text.slice(at, at + 2)][0])}`;
  return `${before.length}:${(before.at(-1)?.length ?? 0) + 1}: ${found}`;
}

class Walker {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** -1 when it is JSON. */
  errorAt(): number {
    const isWhole = this.#value() && this.#at === this.#text.length;
    return isWhole ? -1 : this.#at;
  }

  /** False, and at the place of the error, when there is none. */
  #value(): boolean {
    this.#take(BLANK);
    return this.#item() && this.#take(BLANK);
  }

  #item(): boolean {
    if (this.#sees("{")) return this.#list("}", true);
    if (this.#sees("[")) return this.#list("]", false);
    return this.#code() === QUOTE ? this.#string() : this.#take(SCALAR);
  }

  #list(end: string, isObject: boolean): boolean {
    this.#take(BLANK);
    if (this.#sees(end)) return true;
    do {
      this.#take(BLANK);
      if (isObject && !(this.#string() && this.#take(BLANK) && this.#sees(":"))) return false;
      if (!this.#value()) return false;
    } while (this.#sees(","));
    return this.#sees(end);
  }

  /** Not begun when it does not stand here; at the character that ends it wrongly when it does. */
  #string(): boolean {
    if (!this.#sees('"')) return false;
    for (let code = this.#code(); code >= 0x20 && code !== QUOTE; code = this.#code()) {
      if (code !== BACKSLASH) this.#at++;
      else if (!this.#take(ESCAPE)) return false;
    }
    return this.#sees('"');
  }

  /** NaN at the end, which is below and above nothing. */
  #code(): number {
    return this.#text.charCodeAt(this.#at);
  }

  #sees(mark: string): boolean {
    if (this.#text[this.#at] !== mark) return false;
    this.#at++;
    return true;
  }

  #take(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    if (!pattern.test(this.#text)) return false;
    this.#at = pattern.lastIndex;
    return true;
  }
}
