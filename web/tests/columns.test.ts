import { describe, expect, it } from "vitest";
import { cellOf, columnsFor, fieldNames, MOST_COLUMNS, movedTo } from "../src/columns.ts";
import { isSameSelection, readSelection, streamAddress, writeSelection } from "../src/selection.ts";
import { RowStore } from "../src/store.ts";
import { logRecord } from "./fakes.ts";

function rows(...fields: (Readonly<Record<string, unknown>> | null)[]): Parameters<typeof fieldNames>[0] {
  const store = new RowStore();
  store.addRecords(fields.map((found, index) => logRecord({ id: `i${index}`, fields: found })));
  return { range: store.range, rowAt: (key) => store.at(key) };
}

describe("a cell", () => {
  it("has the field of that name, within others too, and whatever dots are in its own", () => {
    const fields = { a: { b: 1, "c.d": { e: "deep" } }, "x.y": true, text: "plain", list: [1, 2] };
    expect(["a.b", "a.c.d.e", "x.y", "text", "list", "a.none", "none"].map((name) => cellOf(fields, name))).toEqual([
      "1",
      "deep",
      "true",
      "plain",
      "[1,2]",
      undefined,
      undefined,
    ]);
    expect(cellOf(null, "a")).toBeUndefined();
  });

  it("is no more than can be seen of it", () => {
    expect(cellOf({ a: "x".repeat(1e6) }, "a")?.length).toBeLessThan(300);
  });
});

describe("columns", () => {
  it("are as wide as their cells within bounds, with numbers to the right, and never become narrower", () => {
    const held = rows({ n: 12, path: "/a/rather/long/path" }, { n: 7, path: "x".repeat(99) }, null);
    const columns = columnsFor(["n", "path", "none"], held, []);
    expect(columns).toEqual([
      { name: "n", widthCh: 4, isNumeric: true },
      { name: "path", widthCh: 28, isNumeric: false },
      { name: "none", widthCh: 7, isNumeric: false },
    ]);
    expect(columnsFor(["path"], rows({ path: "/" }), columns)).toEqual([columns[1]]);
  });

  it("have amounts to the right, with their units too, and addresses like any text", () => {
    const held = rows({ took: "12ms", size: "1.5 MiB", ip: "192.0.2.1", n: -3.5 }, { took: "3ms", size: "7 kB" });
    const columns = columnsFor(["took", "size", "ip", "n"], held, []);
    expect(columns.map(({ isNumeric }) => isNumeric)).toEqual([true, true, false, true]);
  });

  it("may be of the fields that the newest lines have, the most frequent first", () => {
    expect(fieldNames(rows({ a: 1, b: 2 }, { b: 2, c: { d: 4 } }, null))).toEqual(["b", "a", "c.d"]);
  });

  it.each([
    ["b", 0, "bacd"],
    ["b", 2, "acbd"],
    ["d", -1, "dabc"],
    ["a", 9, "bcda"],
    ["c", 2, "abcd"],
    ["none", 1, "abcd"],
  ])("are moved: %s to place %i gives %s", (name, place, expected) => {
    expect(movedTo(["a", "b", "c", "d"], name, place).join("")).toBe(expected);
  });

  it("are in the page's address, and no matter of the server's", () => {
    const search = `?q=x${Array.from({ length: 9 }, (_, index) => `&column=f${index}`).join("")}&column=f0`;
    const selection = readSelection(search);
    expect(selection.columns).toHaveLength(MOST_COLUMNS);
    expect(readSelection(writeSelection(selection))).toEqual(selection);
    expect(streamAddress(selection, "now", null)).not.toContain("column");
    expect(isSameSelection(selection, { ...selection, columns: [] })).toBe(true);
    expect(isSameSelection(selection, { ...selection, query: "y" })).toBe(false);
  });
});
