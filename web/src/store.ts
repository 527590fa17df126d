/**
 * The rows that the page holds: a window over the log, bounded in rows and in text. It grows at both ends, and what is
 * too much leaves at the other one. Pure: no drawing, no timers, no requests.
 */
import type { Gap, Level, LogRecord } from "./protocol.ts";

export type Row =
  | { readonly kind: "record"; readonly key: number; readonly record: LogRecord }
  | { readonly kind: "gap"; readonly key: number; readonly gap: Gap }
  | { readonly kind: "notice"; readonly key: number; readonly tone: Tone; readonly text: string };

export type Tone = "quiet" | "warning";
export type LevelName = Level | "none";

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
  readonly #keysById = new Map<string, number>();
  readonly #gaps = new Set<string>();
  readonly #levels = new Map<LevelName, number>();

  constructor(bounds: Bounds = PAGE_BOUNDS) {
    this.#bounds = bounds;
  }

  get range(): RowRange {
    return { firstKey: this.#firstKey, endKey: this.#endKey };
  }

  get textBytes(): number {
    return this.#textBytes;
  }

  /** How many of the lines held have each level. */
  get levels(): ReadonlyMap<LevelName, number> {
    return this.#levels;
  }

  get isFull(): boolean {
    return this.#rows.length - this.#head >= this.#bounds.rows || this.#textBytes >= this.#bounds.textBytes;
  }

  /** The row with this key, or undefined if it is not held. */
  at(key: number): Row | undefined {
    return key < this.#firstKey ? undefined : this.#rows[this.#head + key - this.#firstKey];
  }

  keyOf(id: string): number | undefined {
    return this.#keysById.get(id);
  }

  /** Adds lines at the new end, those that are held already left out; the oldest rows make room. */
  addRecords(records: readonly LogRecord[]): void {
    for (const record of records) {
      if (!this.#holds(record)) this.#add({ kind: "record", key: this.#endKey, record });
    }
  }

  /** As `addRecords`, but the bounds may be exceeded: nothing leaves while somebody reads. */
  addRecordsHeld(records: readonly LogRecord[]): void {
    for (const record of records) {
      if (!this.#holds(record)) this.#push({ kind: "record", key: this.#endKey, record });
    }
  }

  addGap(gap: Gap): void {
    if (this.#gaps.has(gapKey(gap))) return;
    this.#add({ kind: "gap", key: this.#endKey, gap });
  }

  addNotice(tone: Tone, text: string): void {
    this.#add({ kind: "notice", key: this.#endKey, tone, text });
  }

  /**
   * Adds what lies before the oldest row; the newest rows make room. Says how many rows were added, and how many left.
   */
  prepend(records: readonly LogRecord[], gaps: readonly Gap[]): { readonly added: number; readonly dropped: number } {
    const fresh: Row[] = [];
    const wanted = records.filter((record) => !this.#holds(record));
    const lost = gaps.filter((gap) => !this.#gaps.has(gapKey(gap)));
    let key = this.#firstKey - wanted.length - lost.length;
    for (const gap of lost) fresh.push({ kind: "gap", key: key++, gap });
    for (const record of wanted) fresh.push({ kind: "record", key: key++, record });
    for (const row of fresh) this.#count(row, 1);
    this.#rows = [...fresh, ...this.#rows.slice(this.#head)];
    this.#head = 0;
    this.#firstKey -= fresh.length;
    let dropped = 0;
    while (this.#rows.length > Math.max(1, fresh.length) && this.#isOverBounds()) {
      const row = this.#rows.pop();
      if (row !== undefined) this.#count(row, -1);
      dropped += 1;
    }
    return { added: fresh.length, dropped };
  }

  get #endKey(): number {
    return this.#firstKey + this.#rows.length - this.#head;
  }

  #holds({ id }: LogRecord): boolean {
    return id !== null && this.#keysById.has(id);
  }

  #add(row: Row): void {
    this.#push(row);
    // The newest row stays, however long it is: a page that shows nothing would be a riddle.
    while (this.#rows.length - this.#head > 1 && this.#isOverBounds()) this.#dropOldest();
  }

  #push(row: Row): void {
    this.#rows.push(row);
    this.#count(row, 1);
  }

  #count(row: Row, by: 1 | -1): void {
    this.#textBytes += by * textBytes(row);
    if (row.kind === "gap") {
      if (by === 1) this.#gaps.add(gapKey(row.gap));
      else this.#gaps.delete(gapKey(row.gap));
    }
    if (row.kind !== "record") return;
    const level = row.record.level ?? "none";
    this.#levels.set(level, (this.#levels.get(level) ?? 0) + by);
    if (row.record.id === null) return;
    if (by === 1) this.#keysById.set(row.record.id, row.key);
    else this.#keysById.delete(row.record.id);
  }

  #isOverBounds(): boolean {
    return this.#rows.length - this.#head > this.#bounds.rows || this.#textBytes > this.#bounds.textBytes;
  }

  #dropOldest(): void {
    const row = this.#rows[this.#head];
    if (row !== undefined) this.#count(row, -1);
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

/** A gap that is told again by another page of the past is the same one; one of which nothing is known never is. */
function gapKey(gap: Gap): string {
  return `${gap.source ?? ""}\n${gap.file ?? ""}\n${gap.from ?? ""}\n${gap.to ?? ""}\n${gap.reason}`;
}

/** An upper estimate: two bytes a UTF-16 unit, and the fields of a structured line are its text once more. */
function textBytes(row: Row): number {
  if (row.kind === "record") return row.record.text.length * (row.record.fields === null ? 2 : 4);
  return row.kind === "notice" ? row.text.length * 2 : 0;
}
