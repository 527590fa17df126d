/**
 * Pings of several connections, told as those of one: each connection counts its gaps from its own beginning, and says
 * since when it is complete by itself. Pure.
 */
import type { Ping } from "./protocol.ts";

type Gaps = ReadonlyMap<string, number>;

const NONE: Gaps = new Map();

export class JoinedPings {
  /** Gaps that the connection had counted where it was joined, and those told until then. */
  #base: Gaps = NONE;
  #offset: Gaps = NONE;
  readonly #told = new Map<string, number>();
  /** Whoever joined in the middle has nothing of what was before the first ping from there. */
  #floorMs: number | null = null;
  #awaitsFloor = false;

  /** A connection begins, and with it the account. */
  begin(): void {
    this.#base = NONE;
    this.#offset = NONE;
    this.#told.clear();
    this.#floorMs = null;
    this.#awaitsFloor = false;
  }

  /** Goes on with a connection whose last ping was `before`. */
  join(before: Ping | null): void {
    this.#base = gapsOf(before);
    this.#offset = new Map(this.#told);
  }

  /** Begins in the middle of a connection whose last ping was `before`. */
  beginWithin(before: Ping | null): void {
    this.begin();
    this.#base = gapsOf(before);
    this.#awaitsFloor = true;
  }

  /** The ping as it is to be told. */
  told(ping: Ping): Ping {
    if (this.#awaitsFloor && ping.timeMs !== null) {
      this.#floorMs = ping.timeMs;
      this.#awaitsFloor = false;
    }
    const sources = Array.from(ping.sources, ([name, { completeSinceMs, gaps }]) => {
      const count = Math.max(0, gaps - (this.#base.get(name) ?? 0)) + (this.#offset.get(name) ?? 0);
      this.#told.set(name, count);
      const sinceMs = this.#awaitsFloor ? null : latest(completeSinceMs, this.#floorMs);
      return [name, { completeSinceMs: sinceMs, gaps: count }] as const;
    });
    return { ...ping, sources: new Map(sources) };
  }
}

function gapsOf(ping: Ping | null): Gaps {
  return ping === null ? NONE : new Map(Array.from(ping.sources, ([name, { gaps }]) => [name, gaps] as const));
}

function latest(one: number | null, other: number | null): number | null {
  return one === null || other === null ? one : Math.max(one, other);
}
