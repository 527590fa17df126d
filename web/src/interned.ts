/**
 * What many lines that came from another thread have in common, held once: a clone gives each message its own copy of the
 * names of sources, files and rules. Bounded. Pure.
 */
import type { LogRecord } from "./protocol.ts";

/** What lines of one file and one level mostly share. */
export type Common = Pick<LogRecord, "source" | "file" | "level" | "event" | "rules" | "cont">;

/** Those fields of a line alone. */
export function commonPart({ source, file, level, event, rules, cont }: Common): Common {
  return { source, file, level, event, rules, cont };
}

/** More different ones than these are not worth to be looked up. */
const MOST_STRINGS = 4096;
const NO_RULES: readonly string[] = [];

export class Interned {
  readonly #strings = new Map<string, string>();

  common(common: Common): Common {
    const { source, file, level, event, rules } = common;
    return {
      ...common,
      source: this.#one(source),
      file: this.#one(file),
      level: level === null ? null : this.#one(level),
      event: this.#one(event),
      rules: rules.length === 0 ? NO_RULES : rules.map((rule) => this.#one(rule)),
    };
  }

  #one<Text extends string>(text: Text): Text {
    const known = this.#strings.get(text);
    // The value under a key is that key.
    if (known !== undefined) return known as Text;
    if (this.#strings.size < MOST_STRINGS) this.#strings.set(text, text);
    return text;
  }
}
