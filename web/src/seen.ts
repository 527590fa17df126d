/**
 * The ids of the records shown last: the guard that keeps a record from being shown twice when a backfill overlaps what
 * is on the page already. Bounded; the oldest half leaves as one.
 */
export class RecentIds {
  readonly #halfCapacity: number;
  #older = new Set<string>();
  #newer = new Set<string>();

  constructor(capacity: number) {
    this.#halfCapacity = Math.max(1, Math.floor(capacity / 2));
  }

  /** Notes `id`; false if it was noted before (and not so long ago that it has left). */
  add(id: string): boolean {
    if (this.#newer.has(id) || this.#older.has(id)) return false;
    if (this.#newer.size >= this.#halfCapacity) {
      this.#older = this.#newer;
      this.#newer = new Set();
    }
    this.#newer.add(id);
    return true;
  }
}
