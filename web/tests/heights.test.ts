// @vitest-environment node
import { describe, expect, it } from "vitest";
import { RowHeights } from "../src/heights.ts";

describe("the heights of rows", () => {
  it("are as usual until a row was drawn", () => {
    const heights = new RowHeights(20);
    expect(heights.between(-5, 10)).toBe(300);
    expect(heights.keyAt(0, 100, 59)).toBe(2);
    expect(heights.keyAt(0, 100, 60)).toBe(3);
  });

  it("say which row a place is in, whatever was measured, against a plain sum", () => {
    const heights = new RowHeights(20);
    const heightOf = (key: number): number => (key % 7 === 0 ? 60 : key % 11 === 0 ? 33.5 : 20);
    for (let key = -1500; key < 3000; key++) if (key % 3 !== 0) heights.set(key, heightOf(key));
    let sum = 0;
    for (let key = -1500; key < 3000; key++) {
      if (key % 97 === 0) {
        expect(heights.between(-1500, key)).toBeCloseTo(sum, 6);
        expect(heights.keyAt(-1500, 3000, sum + 1)).toBe(key);
      }
      sum += key % 3 === 0 ? 20 : heightOf(key);
    }
  });

  it("take a new height for the old one, and say when that is news", () => {
    const heights = new RowHeights(20);
    expect(heights.set(3, 50)).toBe(true);
    expect(heights.set(3, 50)).toBe(false);
    expect(heights.set(3, 20)).toBe(true);
    expect(heights.between(0, 10)).toBe(200);
  });

  it("of rows that are gone are forgotten", () => {
    const heights = new RowHeights(20);
    heights.set(10, 100);
    heights.set(2000, 100);
    heights.keep(1024, 4096);
    expect(heights.between(0, 1024)).toBe(1024 * 20);
    expect(heights.between(1024, 4096)).toBe(3072 * 20 + 80);
  });

  it("never point beyond the rows there are", () => {
    const heights = new RowHeights(20);
    expect(heights.keyAt(5, 8, 1e9)).toBe(7);
    expect(heights.keyAt(5, 8, -50)).toBe(5);
    expect(heights.keyAt(5, 5, 10)).toBe(5);
  });
});
