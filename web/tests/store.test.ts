// @vitest-environment node
import { describe, expect, it } from "vitest";
import { PAGE_BOUNDS, RowStore } from "../src/store.ts";
import { logRecord } from "./fakes.ts";

const lines = (from: number, count: number): ReturnType<typeof logRecord>[] =>
  Array.from({ length: count }, (_, index) => logRecord({ id: `id${from + index}`, text: `line ${from + index}` }));

function textsOf(store: RowStore): string[] {
  const { firstKey, endKey } = store.range;
  return Array.from({ length: endKey - firstKey }, (_, index) => {
    const row = store.at(firstKey + index);
    return row?.kind === "record" ? row.record.text : (row?.kind ?? "nothing");
  });
}

describe("the rows of a page", () => {
  it("are bounded by 50,000 rows and 64 MB of text", () => {
    expect(PAGE_BOUNDS).toEqual({ rows: 50_000, textBytes: 64 * 1024 * 1024 });
  });

  it("stand in the order of their coming, gaps and notices among them", () => {
    const store = new RowStore();
    store.addRecords(lines(1, 2));
    store.addGap({ source: null, file: null, from: null, to: null, lines: null, bytes: null, reason: "deleted" });
    store.addNotice({ kind: "resume", resume: { from: null, exact: false, reason: null } });
    store.addRecords(lines(3, 1));
    expect(textsOf(store)).toEqual(["line 1", "line 2", "gap", "notice", "line 3"]);
  });

  it("leave at the old end when there are too many, and keep their keys", () => {
    const store = new RowStore({ rows: 3, textBytes: 1e6 });
    store.addRecords(lines(1, 5));
    expect(store.range).toEqual({ firstKey: 2, endKey: 5 });
    expect(textsOf(store)).toEqual(["line 3", "line 4", "line 5"]);
    expect(store.at(1)).toBeUndefined();
    expect(store.at(5)).toBeUndefined();
    expect(store.at(4)?.key).toBe(4);
  });

  it("leave at the old end when their text is too much", () => {
    const store = new RowStore({ rows: 100, textBytes: 2 * "line 1".length * 2 });
    store.addRecords(lines(1, 4));
    expect(textsOf(store)).toEqual(["line 3", "line 4"]);
    expect(store.textBytes).toBe(24);
  });

  it("count a structured line's fields as text, too", () => {
    const store = new RowStore();
    store.addRecords([logRecord({ text: "12345", fields: { a: 1 } })]);
    expect(store.textBytes).toBe(20);
  });

  it("keep the newest, however long it is", () => {
    const store = new RowStore({ rows: 100, textBytes: 10 });
    store.addRecords([logRecord({ id: "a", text: "a" }), logRecord({ id: "x", text: "x".repeat(1000) })]);
    expect(store.range).toEqual({ firstKey: 1, endKey: 2 });
    store.addRecords(lines(1, 1));
    expect(textsOf(store)).toEqual(["line 1"]);
  });

  it("that need eyes are known, whichever end they come to and leave at", () => {
    const line = (number: number): ReturnType<typeof logRecord> =>
      logRecord({ id: `id${number}`, text: "x", level: number % 3 === 0 ? "error" : number % 7 === 0 ? "warn" : null });
    const store = new RowStore({ rows: 40, textBytes: 1e9 });
    const loud = (): number[] => {
      const { firstKey, endKey } = store.range;
      const keys = Array.from({ length: endKey - firstKey }, (_, index) => firstKey + index);
      return keys.filter((key) => {
        const row = store.at(key);
        return row?.kind === "gap" || (row?.kind === "record" && row.record.level !== null);
      });
    };
    const gap = { source: "a", file: null, from: 1, to: null, lines: null, bytes: null, reason: "deleted" };
    for (let turn = 0; turn < 60; turn++) {
      if (turn % 4 === 3) store.prepend([line(-3 * turn), line(-3 * turn - 1)], [{ ...gap, to: turn }]);
      else store.addRecords(Array.from({ length: turn % 5 }, (_, index) => line(10 * turn + index)));
      if (turn % 9 === 0) store.addGap({ ...gap, from: turn });
      if (turn % 8 === 0) store.addRecords([logRecord({ id: `tail${turn}`, level: null, cont: true })]);
      expect(store.loudKeys).toEqual(loud());
    }
  });

  it("stay right over many turns of the buffer", () => {
    const store = new RowStore({ rows: 1500, textBytes: 1e9 });
    for (let from = 0; from < 20_000; from += 7) store.addRecords(lines(from, 7));
    const { firstKey, endKey } = store.range;
    expect(endKey - firstKey).toBe(1500);
    expect(textsOf(store)).toEqual(Array.from({ length: 1500 }, (_, index) => `line ${firstKey + index}`));
    expect(store.textBytes).toBe(textsOf(store).reduce((sum, text) => sum + 2 * text.length, 0));
  });

  it("are held once each, however often they come", () => {
    const store = new RowStore();
    store.addRecords(lines(1, 2));
    store.addRecords(lines(2, 2));
    store.prepend(lines(0, 2), []);
    expect(textsOf(store)).toEqual(["line 0", "line 1", "line 2", "line 3"]);
    expect(store.keyOf("id0")).toBe(-1);
  });

  it("grow at the old end too: then the newest leave when there are too many", () => {
    const store = new RowStore({ rows: 3, textBytes: 1e6 });
    store.addRecords(lines(3, 3));
    expect(store.prepend(lines(1, 2), [])).toEqual({ added: 2, dropped: 2 });
    expect(textsOf(store)).toEqual(["line 1", "line 2", "line 3"]);
    expect(store.range).toEqual({ firstKey: -2, endKey: 1 });
  });

  it("stay, all of them, while they are held for a reader", () => {
    const store = new RowStore({ rows: 3, textBytes: 1e6 });
    store.addRecordsHeld(lines(1, 5));
    expect(store.range).toEqual({ firstKey: 0, endKey: 5 });
    expect(store.isFull).toBe(true);
    store.addRecords(lines(6, 1));
    expect(textsOf(store)).toEqual(["line 4", "line 5", "line 6"]);
  });

  it("are counted by level as they come and leave", () => {
    const store = new RowStore({ rows: 2, textBytes: 1e6 });
    const levels = ["error", "warn", "error", null] as const;
    store.addRecords(levels.map((level, index) => logRecord({ id: `l${index}`, level })));
    expect(Object.fromEntries(store.levels)).toEqual({ error: 1, warn: 0, none: 1 });
  });
});
