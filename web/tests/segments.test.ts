// @vitest-environment node
import { describe, expect, it } from "vitest";
import { segmentsOf, visibleText } from "../src/segments.ts";
import { fieldTerm, finderOf, withTerm } from "../src/terms.ts";

const ESC = "\u001b";

function hits(query: string, text: string): string[] {
  return (finderOf(query)?.(text).spans ?? []).map(([start, end]) => text.slice(start, end));
}

describe("a line's pieces", () => {
  it("have the terminal's colours and styles as classes, and end them where the line does", () => {
    expect(segmentsOf(`a${ESC}[1;31mb${ESC}[22mc${ESC}[0md`)).toEqual([
      { text: "a", classes: "" },
      { text: "b", classes: "bold ink-1" },
      { text: "c", classes: "ink-1" },
      { text: "d", classes: "" },
    ]);
  });

  it.each([
    ["38;5;196", "ink-1"],
    ["38;2;20;200;30", "ink-2"],
    ["48;5;21", "ground-4"],
    ["38:5:250", "ink-7"],
    ["93", "ink-3"],
    ["104;97", "ink-7 ground-4"],
    ["38;5", ""],
    ["38;5;196;1", "bold ink-1"],
  ])("colour %s is the nearest that can be read: %s", (codes, classes) => {
    expect(segmentsOf(`${ESC}[${codes}mx`)).toEqual([{ text: "x", classes }]);
  });

  it("drop every other escape sequence, also a link and a title, and keep all text", () => {
    const text = `${ESC}[2Ka${ESC}]8;;https://host.example\u0007link${ESC}]8;;\u0007${ESC}]0;title${ESC}\\b${ESC}[?25l`;
    expect(visibleText(text)).toBe("alinkb");
    expect(
      segmentsOf(text)
        .map((piece) => piece.text)
        .join(""),
    ).toBe("alinkb");
  });

  it("mark what is looked for, across colours", () => {
    expect(segmentsOf(`on${ESC}[31mce mo${ESC}[0mre`, [[0, 4]])).toEqual([
      { text: "on", classes: "hit" },
      { text: "ce", classes: "ink-1 hit" },
      { text: " mo", classes: "ink-1" },
      { text: "re", classes: "" },
    ]);
  });
});

describe("what a query looks for in a text", () => {
  it.each([
    ["timeout", "Read TIMEOUT, timeout", ["TIMEOUT", "timeout"]],
    ['"connection reset" -timeout', "connection reset, timeout", ["connection reset"]],
    ["time*out", "time is running out of", ["time is running out"]],
    ["/took=\\d{4}/", "took=1234 TOOK=1234", ["took=1234"]],
    ["/took/i", "TOOK", ["TOOK"]],
    ["level:error status:500 source:a (x OR y)", "level x OR y", ["x", "y"]],
    ["a.b", "aXb a.b", ["a.b"]],
    ["ab abc", "abcd", ["abc"]],
    ["/(a+)+$/", "b aaa", ["aaa"]],
    ["ti?e\\*", "TIME* time", ["TIME*"]],
  ])("%s", (query, text, found) => {
    expect(hits(query, text)).toEqual(found);
  });

  it.each(["", "level:error", "-timeout", "/(/", "/(?=a)b/", "*"])("%s: nothing", (query) => {
    expect(finderOf(query)).toBeNull();
  });
});

describe("a line that is hard to look through", () => {
  const hard = "a".repeat(4000);

  it.each(["/\\w*\\w*\\w*\\w*x/", "/(a+)+b/", "/.*.*=.*;/", "a*a*a*a*b"])(
    "is looked at up to where it says: %s",
    (query) => {
      const found = finderOf(query)?.(hard);
      expect(found?.spans).toEqual([]);
      expect(found?.searchedTo).toBeLessThan(4000);
    },
  );

  it("is looked through by usual expressions, and by words", () => {
    for (const query of ["/took=\\d{4,}ms/", "/^.*user=(\\w+)/", "aaab", "/[^ ]+ 5\\d\\d/"])
      expect(finderOf(query)?.(`${"GET /cart ".repeat(300)}user=7 took=1234ms`).searchedTo).toBeNull();
  });

  it("has as many hits as can be drawn, and says up to where", () => {
    for (const query of ["a", "/a/"]) {
      const long = finderOf(query)?.("a ".repeat(4000));
      expect(long?.spans).toHaveLength(20);
      expect(long?.searchedTo).toBe(39);
      const usual = finderOf(query)?.("a ".repeat(40));
      expect(usual?.spans).toHaveLength(40);
    }
  });
});

describe("a term for a field", () => {
  it.each([
    ["user", "anna", "user:anna"],
    ["status", 500, "status:500"],
    ["msg", 'say "hi"', 'msg:"say \\"hi\\""'],
    ["level", "error", "fields.level:error"],
    ["path", "/cart", 'path:"/cart"'],
    ["a.b", true, "a.b:true"],
  ])("%s = %s is %s", (name, value, term) => {
    expect(fieldTerm(name, value)).toBe(term);
  });

  it("is not to be had for a list, nor for a name that a query cannot write", () => {
    expect(fieldTerm("tags", ["a"])).toBeNull();
    expect(fieldTerm("two words", "a")).toBeNull();
  });

  it("joins a query without changing what that asks for", () => {
    expect(withTerm("", "a:1", true)).toBe("-a:1");
    expect(withTerm("x", "a:1", false)).toBe("x a:1");
    expect(withTerm("x OR y", "a:1", true)).toBe("(x OR y) -a:1");
    expect(withTerm('"x OR y"', "a:1", false)).toBe('"x OR y" a:1');
  });
});
