/** How many lines a second arrive of each source, over the last seconds. Pure: it is told lines and times. */

const SECONDS = 5;

export class RateMeter {
  /** Lines by second of the clock; the oldest leave. */
  readonly #seconds = new Map<number, Map<string, number>>();
  #sinceMs = 0;

  /** Counting begins: what came before is no rate. */
  begin(nowMs: number): void {
    this.#seconds.clear();
    this.#sinceMs = nowMs;
  }

  note(source: string, lines: number, nowMs: number): void {
    const second = Math.floor(nowMs / 1000);
    let counts = this.#seconds.get(second);
    if (counts === undefined) {
      counts = new Map();
      this.#seconds.set(second, counts);
      for (const other of this.#seconds.keys()) if (other <= second - SECONDS) this.#seconds.delete(other);
    }
    counts.set(source, (counts.get(source) ?? 0) + lines);
  }

  /** Lines a second of a source, over the whole seconds before this one; null before there was one. */
  of(source: string, nowMs: number): number | null {
    const second = Math.floor(nowMs / 1000);
    const first = Math.max(second - SECONDS, Math.ceil(this.#sinceMs / 1000));
    if (first >= second) return null;
    let lines = 0;
    for (let at = first; at < second; at++) lines += this.#seconds.get(at)?.get(source) ?? 0;
    return lines / (second - first);
  }
}
