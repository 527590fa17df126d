// @vitest-environment node
import { describe, expect, it } from "vitest";
import ranges from "../../logstream/api/ranges.py?raw";
import records from "../../logstream/api/records.py?raw";
import start from "../../logstream/hub/start.py?raw";
import resolving from "../../logstream/journal/resolving.py?raw";
import explaining from "../../logstream/rules/explain.py?raw";
import type { Problem } from "../src/answers.ts";
import { en } from "../src/words/en.ts";
import { COMPLETIONS, zh } from "../src/words/zh.ts";
import { MISTAKES } from "../src/words/zhMistakes.ts";
import { REASONS } from "../src/words/zhReasons.ts";

const NO_WORDS: Problem = { title: null, detail: null, column: null, expected: null };
const HAN = /\p{Script=Han}/u;
/** Names that are the same in both languages. */
const NAMES = ["json", "languages.en", "timeModes.utc", "formats.csv", "reconnecting.0"];

function* textsOf(words: object, path = ""): Generator<readonly [string, string]> {
  for (const [key, value] of Object.entries(words) as [string, unknown][]) {
    const here = path === "" ? key : `${path}.${key}`;
    if (typeof value === "string") yield [here, value];
    else if (typeof value === "object" && value !== null) yield* textsOf(value, here);
  }
}

describe("the page in Chinese", () => {
  it.each([...textsOf(zh)].filter(([path]) => !NAMES.includes(path)))("says %s in Chinese: %s", (_path, text) => {
    expect(text).toMatch(HAN);
  });

  it("says each that English says, and English says none of it in Chinese but the language's name", () => {
    const paths = [...textsOf(en)];
    expect([...textsOf(zh)].map(([path]) => path).sort()).toEqual(paths.map(([path]) => path).sort());
    expect(paths.filter(([, text]) => HAN.test(text)).map(([path]) => path)).toEqual(["languages.zh"]);
  });

  it("says what is missing, where and why", () => {
    const gap = { source: "app", file: "/a.log", from: 1200, to: 1280, lines: 3, bytes: 80, reason: "truncated" };
    expect(zh.gapInWords(gap)).toBe(
      "此处缺失 3 行（80 字节）（来自 /a.log，第 1,200 至 1,280 字节）：文件在读取之前被截断。",
    );
    expect(zh.newLines(1204)).toBe("1,204 行新日志");
  });

  it.each([
    "the server cannot be reached",
    "the connection ended",
    "the answer was not an event stream",
    "the server answered 502",
    "nothing arrived for 45 s",
    "the server said goodbye: shutdown",
  ])("says why there is no connection: %s", (why) => {
    expect(zh.why(why)).toMatch(HAN);
  });

  it("has words for each reason that the server gives against an id", () => {
    const server = [resolving, start, records, ranges].join("\n");
    const reasons = [...server.matchAll(/"((?:this (?:is not an )?id|the (?:record|bytes)) [^"]+)"/g)].map(
      ([, reason]) => reason,
    );
    expect(new Set(reasons)).toEqual(new Set(Object.keys(REASONS)));
  });

  it("has words for what the server says of keys and signs in a query", () => {
    const keys = /_KEY_DETAILS: Final = \{([^}]*)\}/.exec(explaining)?.[1] ?? "";
    const signs = /_SIGNS: Final = \{([^}]*)\}/.exec(explaining)?.[1] ?? "";
    const texts = [
      ...[...keys.matchAll(/"(\w+)":/g)].map(([, key]) => `${key ?? ""}:`),
      ...[...signs.matchAll(/"([<>]=?)":/g)].map(([, sign]) => sign ?? ""),
      "OR",
    ];
    expect(Object.keys(COMPLETIONS).sort()).toEqual(texts.sort());
    for (const text of texts) {
      expect(zh.completion({ text, kind: "key", detail: "English", start: 0, end: 0 })).toMatch(HAN);
    }
  });

  it.each<[string, number, Problem | null]>([
    ["the server cannot be reached", 0, null],
    ["a proxy's page", 502, null],
    [
      "an id that is not known",
      404,
      { ...NO_WORDS, title: "No such id", detail: "around='1.2': this id is not known" },
    ],
    ["a source that is gone", 404, { ...NO_WORDS, detail: "no source", code: "unknown_source", facts: { name: "a" } }],
    ["a busy server", 503, { ...NO_WORDS, title: "Too many new queries", detail: "try again in 5 s" }],
  ])("says why older lines cannot be had: %s", (_what, status, problem) => {
    expect(zh.olderFailed({ status, problem })).toMatch(
      /^无法加载更早的日志：[^a-z]*\p{Script=Han}[^a-z]*a?[^a-z]*。$/u,
    );
    expect(zh.lineGoneDetail({ status, problem })).not.toMatch(/[a-z]{2}/);
  });

  it.each(Object.keys(MISTAKES))("says what is wrong with a query: %s", (code) => {
    const facts = {
      opened: 3,
      limit: 50,
      key: "took:>",
      units: "ms",
      reason: "look-ahead (?=...) is",
      name: "x",
      nearest: "warn",
    };
    const problem = { title: null, detail: "in English", column: 7, expected: null, code, facts };
    expect(zh.mistakeInWords(problem)).toMatch(/^第 7 列：.*\p{Script=Han}.*[。？]$/u);
    expect(zh.mistakeInWords(problem)).not.toContain("English");
  });

  it("tells a mistake that it does not know in the server's words", () => {
    const problem = { title: null, detail: "column 3: expected more", column: 3, expected: null, code: "new" };
    expect(zh.mistakeInWords(problem)).toBe("column 3: expected more。");
  });

  it.each([204, 400, 401, 403, 404, 410, 413, 500])("says what to do about status %i", (status) => {
    expect(zh.stopAdvice(status)).toMatch(HAN);
    expect(zh.stopTitle(status, { title: null, detail: null, column: null, expected: null })).toMatch(HAN);
  });
});
