/** Fields of structured lines as columns: what stands in a cell, how wide a column is, which fields there are. Pure. */
import { fieldLines } from "./details.ts";
import { isFields } from "./guards.ts";
import { writeJson } from "./integers.ts";
import type { LogRecord } from "./protocol.ts";
import type { Row, RowRange } from "./store.ts";

export const MOST_COLUMNS = 6;
const NARROWEST_CH = 4;
const WIDEST_CH = 28;
/** A cell's text: what is longer is cut by the eye of the column anyway. */
const LONGEST_CELL = 200;
const SAMPLED_ROWS = 300;
const MOST_NAMES = 16;
/** A number, perhaps with a unit; an address is none. */
const AMOUNT = /^-?\d+(?:[.,]\d+)?\s?(?:[nuµm]?s|min|h|%|[kKMG]?i?B)?$/;
/** These have columns of their own. */
const SHOWN_ANYWAY = ["time", "level", "source"];

export interface Column {
  readonly name: string;
  readonly widthCh: number;
  /** Numbers are set to the right: their digits stand below each other. */
  readonly isNumeric: boolean;
}

interface Rows {
  readonly range: RowRange;
  readonly rowAt: (key: number) => Row | undefined;
}

/** The text of a record's field; names within names are joined by dots. Undefined if it has none. */
export function cellOf(fields: LogRecord["fields"], name: string): string | undefined {
  const value = fieldAt(fields, name);
  if (value === undefined) return undefined;
  const text = typeof value === "string" ? value : writeJson(value);
  return text.length > LONGEST_CELL ? `${text.slice(0, LONGEST_CELL)}…` : text;
}

function fieldAt(fields: unknown, name: string): unknown {
  if (!isFields(fields)) return undefined;
  if (Object.hasOwn(fields, name)) return fields[name];
  // A name may have dots of its own: the longest key that fits comes first.
  for (let dot = name.lastIndexOf("."); dot > 0; dot = name.lastIndexOf(".", dot - 1)) {
    const key = name.slice(0, dot);
    if (Object.hasOwn(fields, key)) return fieldAt(fields[key], name.slice(dot + 1));
  }
  return undefined;
}

/** The columns as wide as the newest rows need; never narrower than `before`: what is read must not jump about. */
export function columnsFor(names: readonly string[], rows: Rows, before: readonly Column[]): readonly Column[] {
  const sample = newest(rows);
  return names.map((name) => {
    const cells = sample.map(({ fields }) => cellOf(fields, name)).filter((cell) => cell !== undefined);
    const known = before.find((column) => column.name === name);
    const longest = cells.reduce((most, cell) => Math.max(most, cell.length), Math.max(NARROWEST_CH, name.length + 3));
    return {
      name,
      widthCh: Math.min(WIDEST_CH, Math.max(longest, known?.widthCh ?? 0)),
      isNumeric: cells.length === 0 ? (known?.isNumeric ?? false) : cells.every((cell) => AMOUNT.test(cell)),
    };
  });
}

/** The names with one of them moved to this place among them; the same ones if it is none of them. */
export function movedTo(names: readonly string[], name: string, place: number): readonly string[] {
  const others = names.filter((other) => other !== name);
  if (others.length === names.length) return names;
  const at = Math.min(Math.max(0, place), others.length);
  return [...others.slice(0, at), name, ...others.slice(at)];
}

/** The names of the fields that the newest rows have, the most frequent first. */
export function fieldNames(rows: Rows): readonly string[] {
  const counts = new Map<string, number>();
  for (const { fields } of newest(rows)) {
    for (const { name } of fieldLines(fields)) {
      if (!SHOWN_ANYWAY.includes(name)) counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  }
  const inOrder = [...counts].sort(([one, most], [other, count]) => count - most || one.localeCompare(other));
  return inOrder.slice(0, MOST_NAMES).map(([name]) => name);
}

function newest({ range, rowAt }: Rows): readonly LogRecord[] {
  const records: LogRecord[] = [];
  for (let key = range.endKey - 1; key >= range.firstKey && records.length < SAMPLED_ROWS; key--) {
    const row = rowAt(key);
    if (row?.kind === "record") records.push(row.record);
  }
  return records;
}
