/** Where among all rows errors and warnings are: marks along the scroll bar. Pure; rows, heights and pixels only. */
import type { Rows } from "./find.ts";
import type { Row } from "./store.ts";

/** What a pixel's height of the list holds at worst. */
export const QUIET = 0;
export const WARNING = 1;
export const BAD = 2;

/** One of the three for each of `pixels`, from the top of the list to its end. */
export function densityOf(rows: Rows, heightOf: (key: number) => number, topPx: number, pixels: number): Uint8Array {
  const { firstKey, endKey } = rows.range;
  const tops: number[] = [];
  const worst: number[] = [];
  let at = topPx;
  for (let key = firstKey; key < endKey; key++) {
    const row = rows.rowAt(key);
    const severity = row === undefined ? QUIET : severityOf(row);
    if (severity !== QUIET) {
      tops.push(at);
      worst.push(severity);
    }
    at += heightOf(key);
  }
  const marks = new Uint8Array(pixels);
  tops.forEach((top, index) => {
    const pixel = Math.min(pixels - 1, Math.floor((top / Math.max(1, at)) * pixels));
    marks[pixel] = Math.max(marks[pixel] ?? QUIET, worst[index] ?? QUIET);
  });
  return marks;
}

function severityOf(row: Row): number {
  if (row.kind !== "record") return row.kind === "gap" ? WARNING : QUIET;
  const { level } = row.record;
  if (level === "error" || level === "fatal") return BAD;
  return level === "warn" ? WARNING : QUIET;
}
