/**
 * Lines on their way from one thread to another, column by column: what many of them have in common is there once. A clone
 * of thousands of objects would name each field of each, and make as many strings of the same words. Pure.
 */
import type { Common, Interned } from "./interned.ts";
import { commonPart } from "./interned.ts";
import type { Level, LogRecord, WireEvent } from "./protocol.ts";

export interface PackedRecords {
  readonly kind: "packed";
  readonly ids: readonly (string | null)[];
  readonly commons: readonly Common[];
  /** The number of each line among `commons`. */
  readonly commonOf: readonly number[];
  /** Neighbours that have the same time have it once. */
  readonly times: readonly (string | null)[];
  readonly timeOf: readonly number[];
  /** All texts, one behind the other, and where each ends. */
  readonly texts: string;
  readonly textEnds: readonly number[];
  /** Null if no line has any. */
  readonly fields: readonly LogRecord["fields"][] | null;
}

export type PackedEvent = Exclude<WireEvent, { kind: "records" }> | PackedRecords;

export function packedEvent(event: WireEvent): PackedEvent {
  return event.kind === "records" ? packed(event.records) : event;
}

/** With what many lines have in common held once, in all events so far. */
export function unpackedEvent(event: PackedEvent, interned: Interned): WireEvent {
  return event.kind === "packed" ? { kind: "records", records: unpacked(event, interned) } : event;
}

/** Without the first lines. */
export function packedFrom(whole: PackedRecords, skip: number): PackedRecords {
  const begin = skip === 0 ? 0 : (whole.textEnds[skip - 1] ?? 0);
  return {
    ...whole,
    ids: whole.ids.slice(skip),
    commonOf: whole.commonOf.slice(skip),
    timeOf: whole.timeOf.slice(skip),
    texts: whole.texts.slice(begin),
    textEnds: whole.textEnds.slice(skip).map((end) => end - begin),
    fields: whole.fields?.slice(skip) ?? null,
  };
}

function packed(records: readonly LogRecord[]): PackedRecords {
  const commons: LogRecord[] = [];
  const times: (string | null)[] = [];
  const [commonOf, timeOf, textEnds]: [number[], number[], number[]] = [[], [], []];
  let end = 0;
  for (const record of records) {
    if (times.length === 0 || times.at(-1) !== record.time) times.push(record.time);
    timeOf.push(times.length - 1);
    let common = commons.findIndex((other) => isAlike(other, record));
    if (common === -1) common = commons.push(record) - 1;
    commonOf.push(common);
    end += record.text.length;
    textEnds.push(end);
  }
  return {
    kind: "packed",
    ids: records.map(({ id }) => id),
    commons: commons.map(commonPart),
    commonOf,
    times,
    timeOf,
    texts: records.map(({ text }) => text).join(""),
    textEnds,
    fields: records.some(({ fields }) => fields !== null) ? records.map(({ fields }) => fields) : null,
  };
}

/** The lines, each of which cuts out what it says when it is asked: most are never looked at. */
function unpacked(from: PackedRecords, interned: Interned): readonly LogRecord[] {
  const commons = from.commons.map((common) => interned.common(common));
  const block = { ...from, commons };
  return from.ids.map((_, index) => new PackedLine(block, index));
}

/** The line by itself: one that is kept for long must not keep all lines that came with it. */
export function aloneOf(line: LogRecord): LogRecord {
  if (!(line instanceof PackedLine)) return line;
  // A part of a text would keep the whole of it.
  return { ...line.toJSON(), text: structuredClone(line.text) };
}

class PackedLine implements LogRecord {
  readonly #block: PackedRecords;
  readonly #index: number;

  constructor(block: PackedRecords, index: number) {
    this.#block = block;
    this.#index = index;
  }

  get id(): string | null {
    return this.#block.ids[this.#index] ?? null;
  }

  get source(): string {
    return this.#common.source;
  }

  get file(): string {
    return this.#common.file;
  }

  get time(): string | null {
    return this.#block.times[this.#block.timeOf[this.#index] ?? 0] ?? null;
  }

  get level(): Level | null {
    return this.#common.level;
  }

  get event(): string {
    return this.#common.event;
  }

  get text(): string {
    const { texts, textEnds } = this.#block;
    return texts.slice(this.#index === 0 ? 0 : textEnds[this.#index - 1], textEnds[this.#index]);
  }

  get fields(): LogRecord["fields"] {
    return this.#block.fields?.[this.#index] ?? null;
  }

  get rules(): readonly string[] {
    return this.#common.rules;
  }

  get cont(): boolean {
    return this.#common.cont;
  }

  /** As the server wrote it: what a reader copies. */
  toJSON(): LogRecord {
    const { id, source, file, time, level, event, text, fields, rules, cont } = this;
    return { id, source, file, time, level, event, text, fields, rules, cont };
  }

  get #common(): Common {
    return this.#block.commons[this.#block.commonOf[this.#index] ?? 0] ?? NOTHING_COMMON;
  }
}

/** For the compiler: each line has a number of what is there. */
const NOTHING_COMMON: Common = { source: "", file: "", level: null, event: "line", rules: [], cont: false };

function isAlike(one: Common, other: Common): boolean {
  return (
    one.level === other.level &&
    one.cont === other.cont &&
    one.event === other.event &&
    one.source === other.source &&
    one.file === other.file &&
    one.rules.length === other.rules.length &&
    one.rules.every((rule, index) => rule === other.rules[index])
  );
}
