/**
 * Regular expressions as readers write them in queries, read into a tree: what the server's dialect and a browser's have in
 * common. Owns the syntax; what it does not know (look-around, back-references) is refused. Pure; `matching.ts` matches.
 */

export type CharacterTest = (code: number) => boolean;
export type PlaceTest = (text: string, at: number) => boolean;

export type Pattern =
  | { readonly kind: "character"; readonly test: CharacterTest }
  /** Something that holds between two characters, or does not. */
  | { readonly kind: "place"; readonly test: PlaceTest }
  | { readonly kind: "sequence"; readonly parts: readonly Pattern[] }
  | { readonly kind: "choice"; readonly parts: readonly Pattern[] }
  | Repeat;

export interface Repeat {
  readonly kind: "repeat";
  readonly part: Pattern;
  readonly least: number;
  readonly most: number;
  readonly isLazy: boolean;
}

/** The tree of an expression; null for one that is broken or of a kind that is not known here. */
export function readPattern(expression: string, ignoresCase: boolean): Pattern | null {
  const reader = new PatternReader(expression, ignoresCase);
  try {
    return reader.read();
  } catch (error) {
    if (error instanceof UnknownSyntax) return null;
    throw error;
  }
}

/** Words of which `*` is any text and `?` any character, as the query language has them; case does not matter. */
export function wildcardPattern(word: string): Pattern {
  const parts = (word.match(/\\.|[^]/gu) ?? []).map((piece): Pattern => {
    if (piece === "*") return repeated({ kind: "character", test: isNoLineEnd }, 0, Number.POSITIVE_INFINITY, true);
    if (piece === "?") return { kind: "character", test: isNoLineEnd };
    return literal(codeOf(piece.length > 1 && piece.startsWith("\\") ? piece.slice(1) : piece), true);
  });
  return { kind: "sequence", parts };
}

class UnknownSyntax extends Error {}

const isNoLineEnd: CharacterTest = (code) => code !== 10;
const isDigit: CharacterTest = (code) => code >= 48 && code <= 57;
const isWord: CharacterTest = (code) =>
  isDigit(code) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 95;
const isSpace: CharacterTest = (code) => code === 32 || (code >= 9 && code <= 13);

const CLASSES: Readonly<Record<string, CharacterTest>> = {
  d: isDigit,
  w: isWord,
  s: isSpace,
  D: (code) => !isDigit(code),
  W: (code) => !isWord(code),
  S: (code) => !isSpace(code),
};
const CONTROLS: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13, e: 27 };

const isBegin: PlaceTest = (_text, at) => at === 0;
const isEnd: PlaceTest = (text, at) => at === text.length;
const isWordEdge: PlaceTest = (text, at) => isWord(text.charCodeAt(at - 1)) !== isWord(text.charCodeAt(at));
const PLACES: Readonly<Record<string, PlaceTest>> = {
  b: isWordEdge,
  B: (text, at) => !isWordEdge(text, at),
  A: isBegin,
  z: isEnd,
  Z: isEnd,
};

class PatternReader {
  readonly #expression: string;
  readonly #ignoresCase: boolean;
  #at = 0;

  constructor(expression: string, ignoresCase: boolean) {
    this.#expression = expression;
    this.#ignoresCase = ignoresCase;
  }

  /** Raises UnknownSyntax. */
  read(): Pattern {
    const pattern = this.#choice();
    if (this.#at < this.#expression.length) throw new UnknownSyntax();
    return pattern;
  }

  #choice(): Pattern {
    const parts = [this.#sequence()];
    while (this.#takes("|")) parts.push(this.#sequence());
    return { kind: "choice", parts };
  }

  #sequence(): Pattern {
    const parts: Pattern[] = [];
    while (this.#at < this.#expression.length && !this.#isNext("|") && !this.#isNext(")")) parts.push(this.#repeat());
    return { kind: "sequence", parts };
  }

  #repeat(): Pattern {
    const part = this.#atom();
    const [, mark, least, comma, most] = this.#match(/([*+?])|\{(\d{1,4})(?:(,)(\d{0,4}))?\}/y) ?? [];
    if (mark === undefined && least === undefined) return part;
    const isLazy = this.#takes("?");
    // What follows would be a repeat of a repeat, or a possessive one.
    if (this.#match(/[*+?]/y) !== null) throw new UnknownSyntax();
    if (mark !== undefined) return repeated(part, mark === "+" ? 1 : 0, mark === "?" ? 1 : Infinity, isLazy);
    const fewest = Number(least);
    const open = most === undefined || most === "" ? Number.POSITIVE_INFINITY : Number(most);
    return repeated(part, fewest, comma === undefined ? fewest : open, isLazy);
  }

  #atom(): Pattern {
    if (this.#takes("(")) return this.#group();
    if (this.#takes("[")) return { kind: "character", test: this.#set() };
    if (this.#takes(".")) return { kind: "character", test: isNoLineEnd };
    if (this.#takes("^")) return { kind: "place", test: isBegin };
    if (this.#takes("$")) return { kind: "place", test: isEnd };
    if (this.#takes("\\")) return this.#escape();
    if (this.#match(/[*+?]/y) !== null) throw new UnknownSyntax();
    return literal(this.#code(), this.#ignoresCase);
  }

  #group(): Pattern {
    const isPlain = !this.#isNext("?") || this.#match(/\?(?::|P?<[A-Za-z_]\w*>)/y) !== null;
    if (!isPlain) throw new UnknownSyntax();
    const inner = this.#choice();
    if (!this.#takes(")")) throw new UnknownSyntax();
    return inner;
  }

  #escape(): Pattern {
    const place = PLACES[this.#expression.charAt(this.#at)];
    if (place !== undefined) {
      this.#at += 1;
      return { kind: "place", test: place };
    }
    const found = this.#escapedCharacter();
    return typeof found === "number" ? literal(found, this.#ignoresCase) : { kind: "character", test: found };
  }

  /** What stands behind a backslash: one character, or a class of them. */
  #escapedCharacter(): number | CharacterTest {
    const hexadecimal = this.#match(/x(?:([0-9a-fA-F]{2})|\{([0-9a-fA-F]{1,6})\})/y);
    if (hexadecimal !== null) return Number.parseInt(hexadecimal[1] ?? hexadecimal[2] ?? "", 16);
    const letter = this.#match(/[A-Za-z0-9]/y)?.[0];
    if (letter === undefined) return this.#code();
    const found = CLASSES[letter] ?? CONTROLS[letter];
    if (found === undefined) throw new UnknownSyntax();
    return found;
  }

  /** What stands in brackets. */
  #set(): CharacterTest {
    const isNegated = this.#takes("^");
    const tests: CharacterTest[] = [];
    // A bracket that comes first is none that closes.
    do tests.push(this.#setPart());
    while (!this.#isNext("]"));
    this.#at += 1;
    const test = this.#folded((code) => tests.some((one) => one(code)));
    return isNegated ? (code) => !test(code) : test;
  }

  #setPart(): CharacterTest {
    const first = this.#setCharacter();
    if (typeof first !== "number") return first;
    if (this.#match(/-(?!\])/y) === null) return (code) => code === first;
    const last = this.#setCharacter();
    if (typeof last !== "number" || last < first) throw new UnknownSyntax();
    return (code) => code >= first && code <= last;
  }

  #setCharacter(): number | CharacterTest {
    if (this.#match(/\[[:.=]/y) !== null) throw new UnknownSyntax();
    if (!this.#takes("\\")) return this.#code();
    return this.#takes("b") ? 8 : this.#escapedCharacter();
  }

  #folded(test: CharacterTest): CharacterTest {
    return this.#ignoresCase ? (code) => test(code) || test(otherCase(code)) : test;
  }

  #code(): number {
    const code = this.#expression.codePointAt(this.#at);
    if (code === undefined) throw new UnknownSyntax();
    this.#at += code > 0xffff ? 2 : 1;
    return code;
  }

  #isNext(character: string): boolean {
    return this.#expression.startsWith(character, this.#at);
  }

  #takes(character: string): boolean {
    if (!this.#isNext(character)) return false;
    this.#at += 1;
    return true;
  }

  /** What a sticky expression finds here is read. */
  #match(sticky: RegExp): RegExpExecArray | null {
    sticky.lastIndex = this.#at;
    const found = sticky.exec(this.#expression);
    if (found !== null) this.#at = sticky.lastIndex;
    return found;
  }
}

function repeated(part: Pattern, least: number, most: number, isLazy: boolean): Repeat {
  if (most < least) throw new UnknownSyntax();
  return { kind: "repeat", part, least, most, isLazy };
}

function literal(code: number, ignoresCase: boolean): Pattern {
  const other = ignoresCase ? otherCase(code) : code;
  return { kind: "character", test: (one) => one === code || one === other };
}

/** The same letter, large for small and small for large; anything else is its own. */
function otherCase(code: number): number {
  const own = String.fromCodePoint(code);
  const lower = own.toLowerCase();
  const other = lower === own ? own.toUpperCase() : lower;
  // "ß" has two letters when it is large.
  return Array.from(other).length === 1 ? codeOf(other) : code;
}

function codeOf(text: string): number {
  return text.codePointAt(0) ?? 0;
}
