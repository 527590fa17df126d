/** Where among all rows errors and warnings are: marks along the scroll bar. Pure; rows, heights and pixels only. */
import type { Rows } from "./find.ts";
import { QUIET, severityOf } from "./severity.ts";

/** Rows of which those that need eyes are known. */
export interface MarkedRows extends Rows {
  /** In their order. */
  readonly loudKeys: () => readonly number[];
}

/**
 * The worst of what a pixel's height of the list holds, for each of `pixels`, from the top of the list to its end.
 * `heightBetween` is that of the rows from one key up to, not including, another.
 */
export function densityOf(
  rows: MarkedRows,
  heightBetween: (firstKey: number, endKey: number) => number,
  topPx: number,
  pixels: number,
): Uint8Array {
  const { firstKey, endKey } = rows.range;
  // Of the moment of `range`: what has come or left since is not in it.
  const keys = rows.loudKeys().filter((key) => key >= firstKey && key < endKey);
  let [key, at] = [firstKey, topPx];
  const tops = keys.map((next) => {
    at += heightBetween(key, next);
    key = next;
    return at;
  });
  at += heightBetween(key, endKey);
  const marks = new Uint8Array(pixels);
  keys.forEach((loud, index) => {
    const row = rows.rowAt(loud);
    if (row === undefined) return;
    const severity = severityOf(row);
    const pixel = Math.min(pixels - 1, Math.floor(((tops[index] ?? 0) / Math.max(1, at)) * pixels));
    marks[pixel] = Math.max(marks[pixel] ?? QUIET, severity);
  });
  return marks;
}
