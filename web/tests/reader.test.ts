import { describe, expect, it } from "vitest";
import { fieldLines, lineHash, offsetOf, permalink, prettyJson, readLineHash } from "../src/details.ts";
import { isHit, isOfLevels, stepByTime, stepOn, stepTo } from "../src/find.ts";
import { actionOf, KEYS } from "../src/keys.ts";
import { readSelection, wholeQuery, writeSelection } from "../src/selection.ts";
import { readSettings, USUAL } from "../src/settings.ts";
import { RowStore } from "../src/store.ts";
import { finderOf } from "../src/terms.ts";
import { localIso, spanText, timeText } from "../src/times.ts";
import { logRecord } from "./fakes.ts";

const press = { ctrlKey: false, metaKey: false, altKey: false };

function rowsOf(...records: Parameters<typeof logRecord>[0][]): Parameters<typeof stepTo>[0] {
  const store = new RowStore();
  store.addRecords(records.map((record, index) => logRecord({ id: `i${index}`, ...record })));
  return { range: store.range, rowAt: (key) => store.at(key) };
}

describe("keys", () => {
  it("are each for one thing, and none needs a modifier that a browser has", () => {
    const keys = KEYS.flat().flatMap(([names]) => names);
    expect(new Set(keys).size).toBe(keys.length);
    expect(actionOf({ ...press, key: "w", ctrlKey: true }, document.body)).toBeNull();
    expect(actionOf({ ...press, key: "w" }, document.body)).toBe("nextWarning");
  });

  it("belong to what is typed into, and Space to what it presses; Escape always leads out", () => {
    const input = document.createElement("input");
    const button = document.createElement("button");
    expect(actionOf({ ...press, key: "e" }, input)).toBeNull();
    expect(actionOf({ ...press, key: " " }, button)).toBeNull();
    expect(actionOf({ ...press, key: "e" }, button)).toBe("nextError");
    expect(actionOf({ ...press, key: "Escape" }, input)).toBe("close");
  });
});

describe("steps", () => {
  const rows = rowsOf({ level: "info" }, { level: "error", text: "one" }, { level: "warn" }, { level: "fatal" });

  it("lead to the next row of a level, in both directions, and no further than what is held", () => {
    const isBad = isOfLevels(["error", "fatal"]);
    expect(stepTo(rows, -1, 1, isBad)).toBe(1);
    expect(stepTo(rows, 1, 1, isBad)).toBe(3);
    expect(stepTo(rows, 3, 1, isBad)).toBeNull();
    expect(stepTo(rows, 1e9, -1, isBad)).toBe(3);
  });

  it("lead to hits, also within a stack trace", () => {
    const traced = rowsOf({ text: "head" }, { text: "at needle", cont: true }, { text: "other" });
    expect(traced.range.endKey).toBe(2);
    const find = finderOf("needle");
    if (find === null) throw new Error("no finder");
    expect(stepTo(traced, -1, 1, isHit(find))).toBe(0);
  });

  it("rest when they have been at it for long, and go on where they were", () => {
    const isFatal = isOfLevels(["fatal"]);
    const first = stepOn(rows, -1, 1, isFatal, () => false);
    expect(first).toEqual({ isOver: false, from: 0 });
    expect(stepOn(rows, 0, 1, isFatal, () => true)).toEqual({ isOver: true, key: 3 });
    expect(stepOn(rows, 2, 1, isFatal, () => false)).toEqual({ isOver: true, key: 3 });
    expect(stepOn(rows, 3, 1, isFatal, () => false)).toEqual({ isOver: true, key: null });
  });

  it("by a minute lead to the first line that far away, else to the last there is", () => {
    const timed = rowsOf(
      ...["10:00:00", "10:00:30", "10:01:01", "10:01:30"].map((time) => ({ time: `2024-05-01T${time}Z` })),
    );
    expect(stepByTime(timed, 0, 60_000)).toBe(2);
    expect(stepByTime(timed, 3, -60_000)).toBe(1);
    expect(stepByTime(timed, 2, 60_000)).toBe(3);
  });
});

describe("what is said of a line", () => {
  it("names nested fields as queries do", () => {
    expect(fieldLines({ a: { b: 1, c: {} }, d: ["x"] })).toEqual([
      { name: "a.b", value: 1, text: "1" },
      { name: "a.c", value: {}, text: "{}" },
      { name: "d", value: ["x"], text: '["x"]' },
    ]);
  });

  it("indents the JSON in it, wherever that begins", () => {
    expect(prettyJson('12:00 app {"a":1}')).toBe('{\n  "a": 1\n}');
    expect(prettyJson("no [json here")).toBeNull();
    expect(prettyJson("{}")).toBeNull();
  });

  it("is where it ends in its file", () => {
    expect(offsetOf("1.abcdefgh.zz.1f")).toBe(1295);
    expect(offsetOf("2.abcdefgh.zz.1f")).toBeNull();
    expect(offsetOf(null)).toBeNull();
  });

  it("links to itself, without the filter under which it was found", () => {
    expect(permalink("http://host.example/logs/?q=a#b", "1.a.b.c")).toBe("http://host.example/logs/#/line/1.a.b.c");
    expect(readLineHash(lineHash("1.a/b.c.d"))).toBe("1.a/b.c.d");
    expect(readLineHash("#/line/%E0%A4%A")).toBeNull();
    expect(readLineHash("#other")).toBeNull();
  });
});

describe("levels in a selection", () => {
  it("are in the page's address and in the question to the server", () => {
    const selection = readSelection("?q=a+OR+b&level=none&level=error&level=odd");
    expect(selection.levels).toEqual(["error", "none"]);
    expect(writeSelection(selection)).toBe("?q=a+OR+b&level=error&level=none");
    expect(wholeQuery(selection)).toEqual({ text: "(a OR b) (level:error OR -level:>=trace)", shift: 1 });
    expect(wholeQuery({ query: "", sources: [], levels: ["warn"] })).toEqual({ text: "level:warn", shift: 0 });
  });
});

describe("times", () => {
  const now = Date.parse("2024-05-01T12:00:00Z");

  it("in UTC have the day before them unless it is today", () => {
    expect(timeText("2024-05-01T12:00:00.5+02:00", "utc", now)).toBe("10:00:00.500");
    expect(timeText("2024-04-30T10:00:00Z", "utc", now)).toBe("04-30 10:00:00");
    expect(timeText("2023-04-30T10:00:00Z", "utc", now)).toBe("2023-04-30 10:00:00");
    expect(timeText("odd", "utc", now)).toBe("odd");
    expect(timeText(null, "utc", now)).toBe("");
  });

  it("can be told as how long ago", () => {
    expect(timeText("2024-05-01T11:56:30Z", "relative", now)).toBe("-3 min 30 s");
    expect(timeText("2024-05-01T12:00:02Z", "relative", now)).toBe("+2.0 s");
    expect(spanText(250)).toBe("250 ms");
    expect(spanText(93_600_000)).toBe("1 d 2 h");
  });

  it("by the local clock name their offset", () => {
    expect(Date.parse(localIso(new Date(now)))).toBe(now);
    expect(localIso(new Date(now))).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d$/);
  });
});

describe("settings", () => {
  it("take from storage what can be used, and the usual for the rest", () => {
    expect(readSettings(null)).toEqual(USUAL);
    expect(readSettings("[1]")).toEqual(USUAL);
    expect(readSettings('{"time":"utc","theme":7,"fontPx":99,"wrap":false}')).toEqual({
      ...USUAL,
      time: "utc",
      wrap: false,
    });
  });
});
