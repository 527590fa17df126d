/**
 * How high rows are, and so where each stands: rows that were never drawn count as usual. Pure; pixels and keys only.
 * A place is found by a walk over a hundred sums, not over fifty thousand rows.
 */

const KEYS_A_CHUNK = 512;
/** To look at so few rows one by one is less than to look through all that is known of a chunk. */
const FEW_KEYS = 16;

interface Chunk {
  /** What the rows of this chunk are higher (or lower) than usual, and all of them together. */
  readonly excess: Map<number, number>;
  sum: number;
}

export class RowHeights {
  readonly usualPx: number;
  readonly #chunks = new Map<number, Chunk>();

  constructor(usualPx: number) {
    this.usualPx = usualPx;
  }

  /** Notes how high a row was drawn; true if that was not known. */
  set(key: number, heightPx: number): boolean {
    const number = Math.floor(key / KEYS_A_CHUNK);
    const chunk = this.#chunks.get(number) ?? { excess: new Map<number, number>(), sum: 0 };
    const excess = heightPx - this.usualPx;
    const before = chunk.excess.get(key) ?? 0;
    if (excess === before) return false;
    if (excess === 0) chunk.excess.delete(key);
    else chunk.excess.set(key, excess);
    chunk.sum += excess - before;
    this.#chunks.set(number, chunk);
    return true;
  }

  /** How high a row is, as far as it is known. */
  of(key: number): number {
    return this.usualPx + (this.#chunks.get(Math.floor(key / KEYS_A_CHUNK))?.excess.get(key) ?? 0);
  }

  /** The height of the rows from `firstKey` up to, not including, `endKey`. */
  between(firstKey: number, endKey: number): number {
    if (endKey <= firstKey) return 0;
    if (endKey - firstKey < FEW_KEYS) return this.#sum(firstKey, endKey);
    let height = (endKey - firstKey) * this.usualPx;
    const last = Math.floor((endKey - 1) / KEYS_A_CHUNK);
    for (let number = Math.floor(firstKey / KEYS_A_CHUNK); number <= last; number++) {
      const chunk = this.#chunks.get(number);
      if (chunk === undefined) continue;
      const start = number * KEYS_A_CHUNK;
      if (firstKey <= start && endKey >= start + KEYS_A_CHUNK) height += chunk.sum;
      else for (const [key, excess] of chunk.excess) if (key >= firstKey && key < endKey) height += excess;
    }
    return height;
  }

  #sum(firstKey: number, endKey: number): number {
    let height = 0;
    for (let key = firstKey; key < endKey; key++) height += this.of(key);
    return height;
  }

  /** The row of those from `firstKey` up to `endKey` in which the place `offsetPx` below the first one's top lies. */
  keyAt(firstKey: number, endKey: number, offsetPx: number): number {
    let low = firstKey;
    let high = Math.max(firstKey, endKey - 1);
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.between(firstKey, middle) <= offsetPx) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Forgets what lies in chunks wholly outside these keys. */
  keep(firstKey: number, endKey: number): void {
    for (const number of this.#chunks.keys()) {
      if ((number + 1) * KEYS_A_CHUNK <= firstKey || number * KEYS_A_CHUNK >= endKey) this.#chunks.delete(number);
    }
  }
}
