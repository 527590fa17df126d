// @vitest-environment node
import { describe, expect, it } from "vitest";
import { densityOf } from "../src/density.ts";
import { rowInTime } from "../src/find.ts";
import { barAt, linesIn, rangeOf, stacked, TimeCounts } from "../src/histogram.ts";
import { readSelection, wholeQuery, writeSelection } from "../src/selection.ts";
import { BAD, QUIET, WARNING } from "../src/severity.ts";
import { RowStore } from "../src/store.ts";
import { axisText, rangeText } from "../src/times.ts";
import { logRecord } from "./fakes.ts";

const START = Date.UTC(2024, 4, 1, 10);
const iso = (seconds: number): string => new Date(START + seconds * 1000).toISOString();
const range = (from: number, until: number): { fromMs: number; untilMs: number } => ({
  fromMs: START + from * 1000,
  untilMs: START + until * 1000,
});

function counted(...lines: readonly (readonly [seconds: number, level: "error" | "info" | "none"])[]): TimeCounts {
  const counts = new TimeCounts();
  for (const [seconds, level] of lines) counts.count(iso(seconds), level, 1);
  return counts;
}

describe("counts by time", () => {
  it("reach from the oldest line to the newest, and only lines that tell a time", () => {
    const counts = counted([7.25, "info"], [3, "error"]);
    counts.count(null, "info", 1);
    counts.count("noon", "info", 1);
    expect(counts.extent).toEqual(range(3, 7.3));
    expect(new TimeCounts().extent).toBeNull();
  });

  it("forget lines that are no more held", () => {
    const counts = counted([0, "info"], [5, "info"], [5, "error"]);
    counts.count(iso(0), "info", -1);
    counts.count(iso(5), "error", -1);
    expect(counts.extent).toEqual(range(5, 5.1));
    expect(linesIn(counts.bars(range(0, 6), 100), 0, 99)).toEqual([["info", 1]]);
  });

  it("become bars of a width that readers know, never more than fit, and never so few that they are blocks", () => {
    const counts = counted([0, "info"]);
    for (const [seconds, stepMs] of [
      [1, 100],
      [99, 1000],
      [3600, 60_000],
      [86_400, 900_000],
      [86_400 * 365, 86_400_000 * 7],
    ] as const) {
      const bars = counts.bars(range(0, seconds), 100);
      expect(bars.stepMs).toBe(stepMs);
      expect(bars.startsMs.length).toBeLessThanOrEqual(100);
      expect(bars.startsMs.length).toBeGreaterThanOrEqual(20);
      expect((bars.startsMs[0] ?? 0) % stepMs).toBe(0);
    }
  });

  it("count each line in the bar of its time and level, and none outside of the range", () => {
    const bars = counted([59.9, "info"], [60, "error"], [61, "info"], [61, "none"], [500, "info"]).bars(
      range(0, 100),
      101,
    );
    expect(linesIn(bars, 60, 61)).toEqual([
      ["error", 1],
      ["info", 1],
      ["none", 1],
    ]);
    expect(linesIn(bars, 0, 200)).toEqual([
      ["error", 1],
      ["info", 2],
      ["none", 1],
    ]);
    expect(barAt(bars, START + 60_500)).toBe(60);
    expect([barAt(bars, 0), barAt(bars, START * 2)]).toEqual([0, bars.startsMs.length - 1]);
    expect(rangeOf(bars, 61, 60)).toEqual(range(60, 62));
  });

  it("stand on those of worse levels, a lone error high enough to be seen", () => {
    const lines = Array.from({ length: 99 }, () => [0, "info"] as const);
    const bars = counted(...lines, [0, "error"]).bars(range(0, 1), 100);
    const drawn = stacked(bars, 0.05).map((level) => Math.max(...level));
    expect(drawn).toEqual([0, 5, 5, 104, 104, 104, 104]);
  });

  it("follow what a store of rows holds", () => {
    const store = new RowStore({ rows: 2, textBytes: 1e6 });
    store.addRecords([0, 60, 120].map((seconds) => logRecord({ id: `r${seconds}`, time: iso(seconds) })));
    expect(store.times.extent).toEqual(range(60, 120.1));
  });
});

describe("a stretch of time", () => {
  it("is in the page's address and in what the server is asked", () => {
    const selection = { query: "a OR b", sources: [], levels: [], range: range(0, 60) };
    const search = writeSelection(selection);
    expect(readSelection(search)).toEqual(selection);
    expect(wholeQuery(selection)).toEqual({
      text: "(a OR b) time:>=2024-05-01T10:00:00.000Z time:<2024-05-01T10:01:00.000Z",
      shift: 1,
    });
    expect(wholeQuery({ ...selection, query: "" }).text).toMatch(/^time:>=/);
  });

  it.each(["?from=x&until=y", "?from=2024-05-01", "?from=2024-05-02&until=2024-05-01"])("is none in %s", (search) => {
    expect(readSelection(search).range).toBeUndefined();
  });

  it("is said to the second, its day once, or finer where that is needed", () => {
    const now = START + 7_200_000;
    expect(rangeText(range(0, 60), "utc", now)).toBe("10:00:00 – 10:01:00");
    expect(rangeText(range(0, 0.5), "utc", now)).toBe("10:00:00.000 – 10:00:00.500");
    expect(rangeText(range(0, 60), "utc", now + 86_400_000)).toBe("05-01 10:00:00 – 10:01:00");
  });

  it("has an axis that says no more than tells its marks apart", () => {
    const steps = [86_400_000, 60_000, 1000, 100];
    expect(steps.map((step) => axisText(START, step, "utc"))).toEqual([
      "2024-05-01",
      "10:00",
      "10:00:00",
      "10:00:00.0",
    ]);
  });

  it("leads to its first line, or to the nearest one", () => {
    const store = new RowStore();
    store.addRecords([0, 60, 61, 200].map((seconds) => logRecord({ id: `r${seconds}`, time: iso(seconds) })));
    const rows = { range: store.range, rowAt: (key: number) => store.at(key) };
    expect(rowInTime(rows, range(60, 70))).toBe(1);
    expect(rowInTime(rows, range(150, 151))).toBe(3);
    expect(rowInTime({ ...rows, range: { firstKey: 0, endKey: 0 } }, range(0, 1))).toBeNull();
  });
});

it("the marks along the scroll bar stand where errors, warnings and gaps are, the worse one wins", () => {
  const store = new RowStore();
  const levels = { 10: "error", 11: "warn", 50: "warn" } as const;
  store.addRecords(
    Array.from({ length: 99 }, (_, key) =>
      logRecord({ id: `r${key}`, level: key in levels ? levels[key as keyof typeof levels] : "info" }),
    ),
  );
  store.addGap({ source: "app", file: null, from: null, to: null, lines: 1, bytes: 1, reason: "deleted" });
  const rows = { range: store.range, rowAt: (key: number) => store.at(key), loudKeys: () => store.loudKeys };
  // Came after the range was told.
  store.addRecords([logRecord({ id: "late", level: "error" })]);
  const placeOf = (key: number): number => 30 * Math.min(key, 50) + 10 * Math.max(0, key - 50);
  const marks = [...densityOf(rows, (first, end) => placeOf(end) - placeOf(first), 0, 40)];
  expect(marks.flatMap((mark, pixel) => (mark === QUIET ? [] : [[pixel, mark]]))).toEqual([
    [6, BAD],
    [30, WARNING],
    [39, WARNING],
  ]);
});
