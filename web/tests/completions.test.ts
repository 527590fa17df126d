// @vitest-environment node
import { describe, expect, it } from "vitest";
import { parseCompletions, parseRecords } from "../src/answers.ts";
import { completed, fieldCompletions } from "../src/useCompletions.ts";
import { wireRecord } from "./fakes.ts";

const completion = { text: "level:", kind: "key", detail: "" };

describe("a completion", () => {
  it("takes the place of what was typed of it, and leaves the cursor behind it", () => {
    expect(completed("a lev b", { ...completion, start: 2, end: 5 })).toEqual({ text: "a level: b", cursor: 8 });
  });

  it("is placed by characters, of which a browser has two for some", () => {
    expect(completed("😀 lev", { ...completion, start: 2, end: 5 })).toEqual({ text: "😀 level:", cursor: 9 });
  });
});

describe("fields of the lines that are here", () => {
  const names = (): readonly string[] => ["user", "user_agent", "event", "odd name", "took"];

  it("complete a word, also behind a minus and a parenthesis, and nothing within a value or a text", () => {
    expect(fieldCompletions("😀 (-Us", 7, names)).toEqual(
      ["user:", "user_agent:"].map((text) => ({ text, kind: "field", detail: "", start: 4, end: 6 })),
    );
    for (const query of ["level:us", '"us', "/us", "took:>u"]) {
      expect(fieldCompletions(query, query.length, names)).toEqual([]);
    }
  });

  it("are named as a query names them, and left out if it cannot", () => {
    expect(fieldCompletions("fi", 2, names).map(({ text }) => text)).toEqual(["fields.event:"]);
    expect(fieldCompletions("o", 1, names)).toEqual([]);
  });
});

describe("answers", () => {
  it("give completions, those of a strange form left out", () => {
    const json = { completions: [{ ...completion, start: 0, end: 3 }, { text: "x" }, 7] };
    expect(parseCompletions(JSON.stringify(json))).toEqual([{ ...completion, start: 0, end: 3 }]);
    expect(parseCompletions("<html>")).toEqual([]);
  });

  it("give a page of the past, or say that it is none", () => {
    const body = { records: [wireRecord("a", "i1")], gaps: [], scanned_to: "i1", more: true };
    expect(parseRecords(JSON.stringify(body))).toMatchObject({ scannedTo: "i1", scannedFrom: null, more: true });
    expect(parseRecords(JSON.stringify({ records: [{ id: 1 }] }))).toBeNull();
    expect(parseRecords("{}")).toBeNull();
  });
});
