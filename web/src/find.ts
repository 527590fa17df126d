/** Steps through the rows that are held, from one to the next that is looked for. Pure. */
import type { TimeRange } from "./histogram.ts";
import type { Finder } from "./segments.ts";
import { visibleText } from "./segments.ts";
import type { Row, RowRange } from "./store.ts";

export interface Rows {
  readonly range: RowRange;
  readonly rowAt: (key: number) => Row | undefined;
}

/** Where a step has come to: `from` is where it goes on; once it is over, `key` is the row, or null if none is held. */
export type Stepped =
  { readonly isOver: true; readonly key: number | null } | { readonly isOver: false; readonly from: number };

/** The next row in this direction, `from` itself left out, for which `isWanted` holds; null if none is held. */
export function stepTo(rows: Rows, from: number, step: 1 | -1, isWanted: (row: Row) => boolean): number | null {
  const stepped = stepOn(rows, from, step, isWanted, () => true);
  return stepped.isOver ? stepped.key : null;
}

/** As `stepTo`, for as long as `mayGoOn` says so, which is asked behind each row. */
export function stepOn(
  rows: Rows,
  from: number,
  step: 1 | -1,
  isWanted: (row: Row) => boolean,
  mayGoOn: () => boolean,
): Stepped {
  const { firstKey, endKey } = rows.range;
  for (let key = Math.min(Math.max(from, firstKey - 1), endKey) + step; key >= firstKey && key < endKey; key += step) {
    const row = rows.rowAt(key);
    if (row !== undefined && isWanted(row)) return { isOver: true, key };
    if (!mayGoOn()) return { isOver: false, from: key };
  }
  return { isOver: true, key: null };
}

export function isOfLevels(levels: readonly string[]): (row: Row) => boolean {
  return (row) => row.kind === "record" && row.record.level !== null && levels.includes(row.record.level);
}

export function isHit(find: Finder): (row: Row) => boolean {
  return (row) =>
    row.kind === "record" && [row.record, ...row.tail].some(({ text }) => find(visibleText(text)).spans.length > 0);
}

/** The first row whose time is that far from the time of the row at `from`, or the last one before the end. */
export function stepByTime(rows: Rows, from: number, byMs: number): number | null {
  const step = byMs < 0 ? -1 : 1;
  let startMs = timeOf(rows.rowAt(from));
  let last: number | null = null;
  const { firstKey, endKey } = rows.range;
  for (let key = from + step; key >= firstKey && key < endKey; key += step) {
    const timeMs = timeOf(rows.rowAt(key));
    if (timeMs === null) continue;
    startMs ??= timeMs;
    last = key;
    if (Math.abs(timeMs - startMs) >= Math.abs(byMs) && Math.sign(timeMs - startMs) === step) return key;
  }
  return last;
}

/** The first row whose time lies in the range; if there is none, the one whose time is nearest to its beginning. */
export function rowInTime(rows: Rows, range: TimeRange): number | null {
  let nearest: number | null = null;
  let leastMs = Number.POSITIVE_INFINITY;
  for (let key = rows.range.firstKey; key < rows.range.endKey; key++) {
    const timeMs = timeOf(rows.rowAt(key));
    if (timeMs === null) continue;
    if (timeMs >= range.fromMs && timeMs < range.untilMs) return key;
    const awayMs = Math.abs(timeMs - range.fromMs);
    if (awayMs < leastMs) [nearest, leastMs] = [key, awayMs];
  }
  return nearest;
}

function timeOf(row: Row | undefined): number | null {
  if (row?.kind !== "record" || row.record.time === null) return null;
  const timeMs = Date.parse(row.record.time);
  return Number.isNaN(timeMs) ? null : timeMs;
}
