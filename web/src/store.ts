/**
 * The rows that the page holds: a window over the log, bounded in rows and in text. It grows at both ends, and what is
 * too much leaves at the other one. Pure: no drawing, no timers, no requests.
 */
import { TimeCounts } from "./histogram.ts";
import type { LevelName } from "./levels.ts";
import type { FileChange, Gap, Hello, LogRecord } from "./protocol.ts";
import { LoudKeys, QUIET, severityOf } from "./severity.ts";

export type Row =
  | RecordRow
  | { readonly kind: "gap"; readonly key: number; readonly gap: Gap }
  | { readonly kind: "notice"; readonly key: number; readonly notice: Notice };

/** What happened to a file or to the stream: facts, of which each language makes its own words. */
export type Notice =
  | { readonly kind: "file"; readonly change: FileChange }
  | { readonly kind: "resume"; readonly resume: Hello["resume"] };

/** A line, and those that continue it: a stack trace is one thing to read. */
export interface RecordRow {
  readonly kind: "record";
  readonly key: number;
  readonly record: LogRecord;
  readonly tail: readonly LogRecord[];
}

export interface Bounds {
  /** Rows, and the lines within them. */
  readonly rows: number;
  /** Memory that the rows' text may take, by `textBytes`' estimate. */
  readonly textBytes: number;
}

const NO_TAIL: readonly LogRecord[] = [];

/** A longer one goes on in a row of its own: rows are drawn as a whole. */
const LONGEST_TAIL = 100;

export const PAGE_BOUNDS: Bounds = { rows: 50_000, textBytes: 64 * 1024 * 1024 };

/** The rows from `firstKey` up to, not including, `endKey`, as they were at one moment. Keys are consecutive. */
export interface RowRange {
  readonly firstKey: number;
  readonly endKey: number;
}

export class RowStore {
  /** When the lines held were written, by level. */
  readonly times = new TimeCounts();
  readonly #bounds: Bounds;
  /** Rows from #head on are held; the places before it wait for the next compaction. */
  #rows: (Row | undefined)[] = [];
  #head = 0;
  #firstKey = 0;
  #textBytes = 0;
  #held = 0;
  #linesTaken = 0;
  readonly #keysById = new Map<string, number>();
  readonly #loud = new LoudKeys();
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

  /** The keys of rows that need eyes: errors, warnings, gaps. */
  get loudKeys(): readonly number[] {
    return this.#loud.all;
  }

  /** Lines taken at the new end since the beginning. */
  get linesTaken(): number {
    return this.#linesTaken;
  }

  get isFull(): boolean {
    return this.#held >= this.#bounds.rows || this.#textBytes >= this.#bounds.textBytes;
  }

  /** The row with this key, or undefined if it is not held. */
  at(key: number): Row | undefined {
    return key < this.#firstKey ? undefined : this.#rows[this.#head + key - this.#firstKey];
  }

  keyOf(id: string): number | undefined {
    return this.#keysById.get(id);
  }

  /** The id of the first line that has one, from the row `fromKey` on in this direction. */
  firstId(fromKey: number, step: 1 | -1): string | null {
    for (let key = fromKey; key >= this.#firstKey && key < this.#endKey; key += step) {
      const row = this.at(key);
      if (row?.kind === "record" && row.record.id !== null) return row.record.id;
    }
    return null;
  }

  /** Adds lines at the new end, those that are held already left out; the oldest rows make room. */
  addRecords(records: readonly LogRecord[]): void {
    this.addRecordsHeld(records);
    this.#trim();
  }

  /** As `addRecords`, but the bounds may be exceeded: nothing leaves while somebody reads. */
  addRecordsHeld(records: readonly LogRecord[]): void {
    for (const record of records) {
      if (this.#holds(record)) continue;
      this.#linesTaken += 1;
      const last = this.#rows.at(-1);
      if (last !== undefined && this.#rows.length > this.#head && continues(last, record)) {
        this.#count(last, -1);
        this.#rows[this.#rows.length - 1] = { ...last, tail: [...last.tail, record] };
        this.#count(this.#rows[this.#rows.length - 1], 1);
      } else this.#push({ kind: "record", key: this.#endKey, record, tail: NO_TAIL });
    }
  }

  addGap(gap: Gap): void {
    if (this.#gaps.has(gapKey(gap))) return;
    this.#add({ kind: "gap", key: this.#endKey, gap });
  }

  addNotice(notice: Notice): void {
    this.#add({ kind: "notice", key: this.#endKey, notice });
  }

  /**
   * Adds what lies before the oldest row; the newest rows make room. Says how many rows were added, and how many left.
   */
  prepend(records: readonly LogRecord[], gaps: readonly Gap[]): { readonly added: number; readonly dropped: number } {
    const fresh: Row[] = [];
    const wanted = grouped(records.filter((record) => !this.#holds(record)));
    const lost = gaps.filter((gap) => !this.#gaps.has(gapKey(gap)));
    let key = this.#firstKey - wanted.length - lost.length;
    for (const gap of lost) fresh.push({ kind: "gap", key: key++, gap });
    for (const { record, tail } of wanted) fresh.push({ kind: "record", key: key++, record, tail });
    for (const row of fresh) this.#count(row, 1);
    this.#loud.addOldest(fresh.filter((row) => severityOf(row) !== QUIET).map((row) => row.key));
    this.#rows = [...fresh, ...this.#rows.slice(this.#head)];
    this.#head = 0;
    this.#firstKey -= fresh.length;
    let dropped = 0;
    while (this.#rows.length > Math.max(1, fresh.length) && this.#isOverBounds()) {
      this.#leave(this.#rows.pop());
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
    this.#trim();
  }

  #trim(): void {
    // The newest row stays, however long it is: a page that shows nothing would be a riddle.
    while (this.#rows.length - this.#head > 1 && this.#isOverBounds()) this.#dropOldest();
  }

  #push(row: Row): void {
    this.#rows.push(row);
    this.#count(row, 1);
    if (severityOf(row) !== QUIET) this.#loud.addNewest(row.key);
  }

  #leave(row: Row | undefined): void {
    this.#count(row, -1);
    if (row !== undefined) this.#loud.drop(row.key);
  }

  #count(row: Row | undefined, by: 1 | -1): void {
    if (row === undefined) return;
    this.#textBytes += by * textBytes(row);
    this.#held += by * (row.kind === "record" ? 1 + row.tail.length : 1);
    if (row.kind === "gap") {
      if (by === 1) this.#gaps.add(gapKey(row.gap));
      else this.#gaps.delete(gapKey(row.gap));
    }
    if (row.kind !== "record") return;
    this.#countRecord(row.key, row.record, by);
    for (const record of row.tail) this.#countRecord(row.key, record, by);
  }

  #countRecord(key: number, record: LogRecord, by: 1 | -1): void {
    const level = record.level ?? "none";
    this.#levels.set(level, (this.#levels.get(level) ?? 0) + by);
    this.times.count(record.time, level, by);
    if (record.id === null) return;
    if (by === 1) this.#keysById.set(record.id, key);
    else this.#keysById.delete(record.id);
  }

  #isOverBounds(): boolean {
    return this.#held > this.#bounds.rows || this.#textBytes > this.#bounds.textBytes;
  }

  #dropOldest(): void {
    this.#leave(this.#rows[this.#head]);
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

/** Whether a line is the next one of a row's stack trace. */
function continues(row: Row, record: LogRecord): row is RecordRow {
  if (!record.cont || row.kind !== "record" || row.tail.length >= LONGEST_TAIL) return false;
  return row.record.file === record.file && row.record.source === record.source;
}

function grouped(records: readonly LogRecord[]): { readonly record: LogRecord; readonly tail: LogRecord[] }[] {
  const rows: { record: LogRecord; tail: LogRecord[] }[] = [];
  for (const record of records) {
    const last = rows.at(-1);
    if (last !== undefined && continues({ kind: "record", key: 0, ...last }, record)) last.tail.push(record);
    else rows.push({ record, tail: [] });
  }
  return rows;
}

/** An upper estimate: two bytes a UTF-16 unit, and the fields of a structured line are its text once more. */
function textBytes(row: Row): number {
  if (row.kind !== "record") return 0;
  let units = row.record.text.length * (row.record.fields === null ? 1 : 2);
  for (const { text } of row.tail) units += text.length;
  return 2 * units;
}
