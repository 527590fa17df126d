// @vitest-environment node
import { describe, expect, it } from "vitest";
import { matcherOf } from "../src/matching.ts";
import { readPattern } from "../src/patterns.ts";
import type { Span } from "../src/segments.ts";

function found(expression: string, text: string, flag = ""): readonly string[] | null {
  const pattern = readPattern(expression, flag === "i");
  const matcher = pattern === null ? null : matcherOf(pattern);
  if (matcher === null) return null;
  const spans: Span[] = [];
  const end = matcher.find(text, spans, 1000, { left: 1e6 });
  expect(end).toBe(text.length);
  return spans.map(([from, to]) => `${from}:${text.slice(from, to)}`);
}

/** What the engine of this machine says, which tries one way after the other. */
function expected(expression: string, text: string, flag = ""): readonly string[] {
  return [...text.matchAll(new RegExp(expression, `g${flag}`))]
    .filter(([match]) => match !== "")
    .map((match) => `${match.index}:${match[0]}`);
}

/** Numbers that are the same each time (xorshift). */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % sides;
  };
}

function anyExpression(roll: (sides: number) => number, depth: number): string {
  const atom = (): string => ["a", "b", "c", ".", "[ab]", "[^a]", "\\w", "\\b", "^", "$"][roll(10)] ?? "a";
  const taken = (): string => ["a", "b", "[bc]", "."][roll(4)] ?? "a";
  const inner = (): string => (depth === 0 ? atom() : `(${anyExpression(roll, depth - 1)})`);
  // A repeat of what may be empty is the only thing in which engines differ.
  const repeat = (): string => {
    const mark = ["*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{2,}", "{0,2}?"][roll(10)] ?? "*";
    const part = depth > 0 && roll(2) === 0 ? `(?:${taken()}(?:${anyExpression(roll, depth - 1)}))` : taken();
    return part + mark;
  };
  const parts = Array.from({ length: 1 + roll(4) }, () => [repeat, inner, atom][roll(3)]?.() ?? "");
  if (roll(4) === 0) parts.splice(roll(parts.length + 1), 0, "|");
  return parts.join("");
}

describe("what an expression finds", () => {
  it("is what a browser finds, for any expression and text", () => {
    const roll = dice(20261128);
    for (let round = 0; round < 4000; round++) {
      const expression = anyExpression(roll, 2);
      const text = Array.from({ length: roll(14) }, () => "abc \n"[roll(5)] ?? "a").join("");
      expect([expression, text, found(expression, text)]).toEqual([expression, text, expected(expression, text)]);
    }
  });

  it.each([
    ["took=\\d{4,}ms", "took=1234ms took=12ms"],
    ["(GET|POST) [^ ]+ 5\\d\\d", 'x "GET /a 500 POST /b 404 POST /c 503'],
    ['"[^"]*?"', 'say "one" and "two"'],
    ["[\\d.-]+|[]x]", "10.0.0.1 - ] x"],
    ["\\[\\w+\\]\\t\\x41\\/", "[main]\tA/"],
    ["a{,3}|{x", "a{,3} {x"],
    ["[^\\S]+end$", "the  end"],
    ["\u{1f600}.", "\u{1f600}\u{1f601}!"],
    ["(?<name>a+)b", "aab"],
  ])("%s", (expression, text) => {
    // JavaScript alone takes a first bracket for one that closes.
    expect(found(expression, text)).toEqual(
      expected(expression.replace("[]", "[\\]"), text, /[\ud800-\udfff]/.test(text) ? "u" : ""),
    );
  });

  it("is of either case if that is asked for, in sets and ranges too, and outside of English", () => {
    expect(found("[a-c]é[^x]", "BÉy bÉX", "i")).toEqual(["0:BÉy"]);
    expect(found("stra(ß)e", "STRAßE", "i")).toEqual(["0:STRAßE"]);
    expect(found("abc", "ABC")).toEqual([]);
  });

  it.each([
    "(",
    "a)",
    "[a",
    "a**",
    "*a",
    "a++",
    "(?=a)",
    "(?<!a)b",
    "(a)\\1",
    "\\h",
    "[[:digit:]]",
    "a{2,1}",
    "(a{1000}){9}",
    "[b-a]",
  ])("is nothing for what is broken or not known: %s", (expression) => {
    expect(found(expression, "a")).toBeNull();
  });
});

it("what finding costs is bounded, and shared by those who look at the same text", () => {
  const steps = { left: 500 };
  const spans: Span[] = [];
  const pattern = readPattern("(a+)+b", false);
  const matcher = pattern === null ? null : matcherOf(pattern);
  const end = matcher?.find(`aab${"a".repeat(4000)}`, spans, 10, steps);
  expect(spans).toEqual([[0, 3]]);
  expect(end).toBe(3);
  expect(steps.left).toBeLessThanOrEqual(0);
  expect(matcher?.find("ab", spans, 10, steps)).toBe(0);
});
