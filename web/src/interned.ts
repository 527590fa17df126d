/**
 * Lines that came from another thread, with what many of them have in common held once: a clone gives each line its own
 * copy of its source's name, its file's and so on, and those would be half of what the page holds. Bounded. Pure.
 */
import type { LogRecord } from "./protocol.ts";

/** More different ones than these are not worth to be looked up. */
const MOST_STRINGS = 4096;
const NO_RULES: readonly string[] = [];

export class Interned {
  readonly #strings = new Map<string, string>();

  records(records: readonly LogRecord[]): readonly LogRecord[] {
    return records.map((record) => ({
      ...record,
      source: this.#one(record.source),
      file: this.#one(record.file),
      event: this.#one(record.event),
      level: record.level === null ? null : this.#one(record.level),
      rules: record.rules.length === 0 ? NO_RULES : record.rules.map((rule) => this.#one(rule)),
    }));
  }

  #one<Text extends string>(text: Text): Text {
    const known = this.#strings.get(text);
    // The value under a key is that key.
    if (known !== undefined) return known as Text;
    if (this.#strings.size < MOST_STRINGS) this.#strings.set(text, text);
    return text;
  }
}
