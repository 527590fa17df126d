// @vitest-environment node
import { describe, expect, it } from "vitest";
import { en } from "../src/words/en.ts";
import { zh } from "../src/words/zh.ts";
import { MISTAKES } from "../src/words/zhMistakes.ts";

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
