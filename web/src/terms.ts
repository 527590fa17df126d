/**
 * What in a query can be looked for in a line's text, and how terms are added to a query. Pure. The server's language
 * is the server's: what this page does not understand is simply not highlighted.
 */
import type { Finder, Span } from "./segments.ts";

const MOST_HITS_A_LINE = 200;
const LONGEST_SEARCHED = 20_000;

/** Finds the words, phrases and expressions that a query asks for (not those that it excludes); null without any. */
export function finderOf(query: string): Finder | null {
  const expressions = [...patternsOf(query)];
  if (expressions.length === 0) return null;
  return (text) => merged(expressions.flatMap((expression) => hitsOf(expression, text)));
}

function* patternsOf(query: string): Generator<RegExp> {
  const tokens = /(-?)(?:"((?:[^"\\]|\\.)*)"|\/((?:[^/\\]|\\.)+)\/(i?)|([^\s()]+))/g;
  for (const [, minus, phrase, expression, flag, word] of query.matchAll(tokens)) {
    if (minus === "-") continue;
    if (expression !== undefined) {
      const compiled = isTame(expression) ? compile(expression, flag === "i" ? "gi" : "g") : null;
      if (compiled !== null) yield compiled;
    } else if (phrase !== undefined && phrase !== "") yield new RegExp(escaped(phrase.replace(/\\(.)/g, "$1")), "gi");
    else if (word !== undefined && isWord(word)) yield new RegExp(wildcards(word), "gi");
  }
}

function isWord(word: string): boolean {
  return !/^(OR|AND|NOT)$/.test(word) && !/^[\w.-]+:/.test(word) && /[^*?]/.test(word);
}

/** A repeated group can take a browser for ever; the server has no such trouble, and the reader no such highlight. */
function isTame(expression: string): boolean {
  return !/\)[*+{?]/.test(expression) && expression.length <= 200;
}

function compile(expression: string, flags: string): RegExp | null {
  try {
    return new RegExp(expression, flags);
  } catch {
    return null;
  }
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
}

function wildcards(word: string): string {
  return word
    .split(/(\\.|[*?])/)
    .map((part) => (part === "*" ? "[^\\n]*?" : part === "?" ? "." : escaped(part.replace(/^\\(.)$/, "$1"))))
    .join("");
}

function hitsOf(expression: RegExp, text: string): Span[] {
  const spans: Span[] = [];
  expression.lastIndex = 0;
  for (const match of text.slice(0, LONGEST_SEARCHED).matchAll(expression)) {
    if (match[0] !== "") spans.push([match.index, match.index + match[0].length]);
    if (spans.length >= MOST_HITS_A_LINE) break;
  }
  return spans;
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
