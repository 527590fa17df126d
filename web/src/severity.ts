/** Which rows need eyes, and how much; and the keys of those among all that are held, in their order. Pure. */
import type { Level } from "./protocol.ts";

export const QUIET = 0;
export const WARNING = 1;
export const BAD = 2;

/** A row, as far as it says how much it needs eyes. */
export type Judged =
  { readonly kind: "record"; readonly record: { readonly level: Level | null } } | { readonly kind: "gap" | "notice" };

/** One of the three. */
export function severityOf(row: Judged): number {
  if (row.kind !== "record") return row.kind === "gap" ? WARNING : QUIET;
  const { level } = row.record;
  if (level === "error" || level === "fatal") return BAD;
  return level === "warn" ? WARNING : QUIET;
}

/** Grows and shrinks at both ends. */
export class LoudKeys {
  /** From #head on; the places before it wait for the next compaction. */
  #keys: number[] = [];
  #head = 0;

  get all(): readonly number[] {
    return this.#keys.slice(this.#head);
  }

  addNewest(key: number): void {
    this.#keys.push(key);
  }

  /** `keys` are smaller than all that are here. */
  addOldest(keys: readonly number[]): void {
    this.#keys = [...keys, ...this.all];
    this.#head = 0;
  }

  /** The row with this key is the oldest, or the newest, and leaves. */
  drop(key: number): void {
    if (this.#keys[this.#head] === key) this.#dropOldest();
    else if (this.#keys.at(-1) === key) this.#keys.pop();
  }

  #dropOldest(): void {
    this.#head += 1;
    if (this.#head * 2 < this.#keys.length) return;
    this.#keys = this.#keys.slice(this.#head);
    this.#head = 0;
  }
}
