import { describe, expect, it } from "vitest";
import { countLines, isWithin, rowsIn, selectedText, written } from "../src/copying.ts";
import { RowStore } from "../src/store.ts";
import { logRecord } from "./fakes.ts";

function rows(): Parameters<typeof rowsIn>[0] {
  const store = new RowStore();
  store.addRecords([
    logRecord({ id: "a", text: "\u001b[31mone\u001b[0m" }),
    logRecord({ id: "b", text: "two" }),
    logRecord({ id: "c", text: "  at three", cont: true }),
  ]);
  store.addNotice({ kind: "resume", resume: { from: null, exact: false, reason: null } });
  store.addRecords([logRecord({ id: "d", text: "four" })]);
  return { range: store.range, rowAt: (key) => store.at(key) };
}

describe("lines that are taken away", () => {
  it("are those of the rows from one to another, whichever is first, with their traces and without notices", () => {
    const down = rowsIn(rows(), { anchorKey: 1, focusKey: 3 });
    expect(down).toEqual(rowsIn(rows(), { anchorKey: 3, focusKey: 1 }));
    expect(written(down, "text")).toBe("two\n  at three\nfour");
    expect(countLines(down)).toBe(3);
    expect([0, 1, 2, 3, 4].filter((key) => isWithin({ anchorKey: 3, focusKey: 1 }, key))).toEqual([1, 2, 3]);
  });

  it("are text without terminal colours, or the records as they are, one a line", () => {
    const [first] = rowsIn(rows(), { anchorKey: 0, focusKey: 0 });
    if (first === undefined) throw new Error("no row");
    expect(written([first], "text")).toBe("one");
    expect(JSON.parse(written([first], "json"))).toEqual(first.record);
    expect(written(rowsIn(rows(), { anchorKey: 0, focusKey: 3 }), "json").split("\n")).toHaveLength(4);
  });

  it("are as far as they are held", () => {
    expect(countLines(rowsIn(rows(), { anchorKey: -100, focusKey: 100 }))).toBe(4);
  });
});

it("what is selected with the mouse is copied without what stands beside the lines", () => {
  const list = document.createElement("div");
  for (const text of ["alpha", "beta", "gamma"]) {
    const row = document.createElement("div");
    row.dataset["id"] = text;
    const time = document.createElement("time");
    time.textContent = "10:00:00";
    const line = document.createElement("span");
    line.className = "text";
    line.textContent = text;
    row.append(time, line);
    list.append(row);
  }
  document.body.append(list);
  const [first, , last] = list.querySelectorAll(".text");
  const chosen = document.createRange();
  chosen.setStart(first?.firstChild ?? list, 2);
  chosen.setEnd(last?.firstChild ?? list, 3);
  const selection = document.getSelection();
  selection?.removeAllRanges();
  selection?.addRange(chosen);
  expect(selectedText(selection, list)).toBe("pha\nbeta\ngam");
  chosen.setEnd(first?.firstChild ?? list, 4);
  expect(selectedText(selection, list)).toBeNull();
  list.remove();
});
