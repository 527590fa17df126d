/**
 * The rows that the page holds. Bounded in rows and in text; when a bound is reached the oldest rows leave, and how
 * many have left is known. Pure: no drawing, no timers.
 */
import type { Gap, LogRecord } from "./protocol.ts";

export type Row =
  | { readonly kind: "record"; readonly key: number; readonly record: LogRecord }
  | { readonly kind: "gap"; readonly key: number; readonly gap: Gap }
  | { readonly kind: "notice"; readonly key: number; readonly tone: Tone; readonly text: string };

export type Tone = "quiet" | "warning";

export interface Bounds {
  readonly rows: number;
  /** Memory that the rows' text may take, by `textBytes`' estimate. */
  readonly textBytes: number;
}

export const PAGE_BOUNDS: Bounds = { rows: 50_000, textBytes: 64 * 1024 * 1024 };

/** The rows from `firstKey` up to, not including, `endKey`, as they were at one moment. Keys are consecutive. */
export interface RowRange {
  readonly firstKey: number;
  readonly endKey: number;
}

export class RowStore {
  readonly #bounds: Bounds;
  /** Rows from #head on are held; the places before it wait for the next compaction. */
  #rows: (Row | undefined)[] = [];
  #head = 0;
  #firstKey = 0;
  #textBytes = 0;

  constructor(bounds: Bounds = PAGE_BOUNDS) {
    this.#bounds = bounds;
  }

  get range(): RowRange {
    return { firstKey: this.#firstKey, endKey: this.#endKey };
  }

  get textBytes(): number {
    return this.#textBytes;
  }

  /** The row with this key, or undefined if it has left or not come yet. */
  at(key: number): Row | undefined {
    return key < this.#firstKey ? undefined : this.#rows[this.#head + key - this.#firstKey];
  }

  addRecords(records: readonly LogRecord[]): void {
    for (const record of records) this.#add({ kind: "record", key: this.#endKey, record });
  }

  addGap(gap: Gap): void {
    this.#add({ kind: "gap", key: this.#endKey, gap });
  }

  addNotice(tone: Tone, text: string): void {
    this.#add({ kind: "notice", key: this.#endKey, tone, text });
  }

  get #endKey(): number {
    return this.#firstKey + this.#rows.length - this.#head;
  }

  #add(row: Row): void {
    this.#rows.push(row);
    this.#textBytes += textBytes(row);
    // The newest row stays, however long it is: a page that shows nothing would be a riddle.
    while (this.#rows.length - this.#head > 1 && this.#isOverBounds()) this.#dropOldest();
  }

  #isOverBounds(): boolean {
    return this.#rows.length - this.#head > this.#bounds.rows || this.#textBytes > this.#bounds.textBytes;
  }

  #dropOldest(): void {
    const row = this.#rows[this.#head];
    if (row !== undefined) this.#textBytes -= textBytes(row);
    this.#rows[this.#head] = undefined;
    this.#head += 1;
    this.#firstKey += 1;
    // Moving the rows down at half costs one move a row over its life; `shift` on each would cost n.
    if (this.#head >= 1024 && this.#head * 2 >= this.#rows.length) {
      this.#rows = this.#rows.slice(this.#head);
      this.#head = 0;
    }
  }
}

/** An upper estimate: two bytes a UTF-16 unit, and the fields of a structured line are its text once more. */
function textBytes(row: Row): number {
  if (row.kind === "record") return row.record.text.length * (row.record.fields === null ? 2 : 4);
  return row.kind === "notice" ? row.text.length * 2 : 0;
}
