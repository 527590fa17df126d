/**
 * What in a query can be looked for in a line's text, and how terms are added to a query. Pure. The server's language
 * is the server's: what this page does not understand is simply not highlighted.
 */
import type { Matcher } from "./matching.ts";
import { matcherOf } from "./matching.ts";
import { readPattern, wildcardPattern } from "./patterns.ts";
import type { Finder, Span } from "./segments.ts";

/** Each is an element of the page, and a screen may be full of lines that have as many; long ones cost more by themselves. */
const MOST_HITS_A_LINE = 40;
const MOST_HITS_A_LONG_LINE = 20;
const LONG_CHARACTERS = 1000;
const LONGEST_SEARCHED = 20_000;
/**
 * What it may cost to look through one line: some tenths of a millisecond, for a hundred may be drawn at once. A usual
 * expression takes some steps a character.
 */
const MOST_STEPS_A_LINE = 20_000;

/** Finds the words, phrases and expressions that a query asks for (not those that it excludes); null without any. */
export function finderOf(query: string): Finder | null {
  const sought = [...soughtBy(query)];
  if (sought.length === 0) return null;
  return (whole) => {
    const text = whole.slice(0, LONGEST_SEARCHED);
    const spans: Span[] = [];
    const most = text.length > LONG_CHARACTERS ? MOST_HITS_A_LONG_LINE : MOST_HITS_A_LINE;
    const steps = { left: MOST_STEPS_A_LINE };
    const ends = sought.map((one) =>
      one instanceof RegExp ? findWords(one, text, spans, most) : one.find(text, spans, spans.length + most, steps),
    );
    const end = Math.min(...ends);
    return { spans: merged(spans), searchedTo: end < whole.length ? end : null };
  };
}

/** Fixed words as a browser's expression, which is fast; what could keep that busy for long as a matcher. */
function* soughtBy(query: string): Generator<RegExp | Matcher> {
  const tokens = /(-?)(?:"((?:[^"\\]|\\.)*)"|\/((?:[^/\\]|\\.)+)\/(i?)|([^\s()]+))/g;
  for (const [, minus, phrase, expression, flag, word] of query.matchAll(tokens)) {
    if (minus === "-") continue;
    if (expression !== undefined) {
      const pattern = readPattern(expression, flag === "i");
      const matcher = pattern === null ? null : matcherOf(pattern);
      if (matcher !== null) yield matcher;
    } else if (phrase !== undefined && phrase !== "") yield wordsExpression(phrase);
    else if (word !== undefined && isWord(word)) {
      const matcher = /[*?]/.test(word) ? matcherOf(wildcardPattern(word)) : null;
      yield matcher ?? wordsExpression(word);
    }
  }
}

function isWord(word: string): boolean {
  return !/^(OR|AND|NOT)$/.test(word) && !/^[\w.-]+:/.test(word) && /[^*?]/.test(word);
}

function wordsExpression(words: string): RegExp {
  const plain = words.replace(/\\(.)/g, "$1");
  return new RegExp(plain.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&"), "gi");
}

function findWords(expression: RegExp, text: string, spans: Span[], most: number): number {
  let count = 0;
  expression.lastIndex = 0;
  for (const match of text.matchAll(expression)) {
    spans.push([match.index, match.index + match[0].length]);
    count += 1;
    if (count >= most) return match.index + match[0].length;
  }
  return text.length;
}

function merged(spans: readonly Span[]): readonly Span[] {
  const sorted = spans.toSorted((one, other) => one[0] - other[0]);
  const joined: Span[] = [];
  for (const span of sorted) {
    const last = joined.at(-1);
    if (last !== undefined && span[0] <= last[1]) joined[joined.length - 1] = [last[0], Math.max(last[1], span[1])];
    else joined.push(span);
  }
  return joined;
}

/** What the query language has keys for: a field of such a name is asked for as `fields.` and its name. */
export const OWN_KEYS = ["source", "event", "level", "time"];

/** The term for lines whose field has this value; null if the value is none that a term can name. */
export function fieldTerm(name: string, value: unknown): string | null {
  if (!["string", "number", "bigint", "boolean"].includes(typeof value) || !/^[\w.@-]+$/.test(name)) return null;
  const text = String(value);
  const plain = /^[\w.@/+-]+$/.test(text) && !text.startsWith("/") ? text : `"${text.replace(/["\\]/g, "\\$&")}"`;
  return `${OWN_KEYS.includes(name) ? `fields.${name}` : name}:${plain}`;
}

/** The query with a term more. One with OR is put in parentheses: what was asked for must not change its meaning. */
export function withTerm(query: string, term: string, isExcluded: boolean): string {
  const added = isExcluded ? `-${term}` : term;
  const own = query.trim();
  if (own === "") return added;
  const alone = own.replace(/"(?:[^"\\]|\\.)*"/g, "");
  return alone.includes(" OR ") ? `(${own}) ${added}` : `${own} ${added}`;
}
