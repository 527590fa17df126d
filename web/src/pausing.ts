/**
 * How long a stream goes on for somebody who has stopped to read. A pause is often a glance: while it is short, the count
 * of new lines goes on and following needs no new request. One that lasts is to cost the server nothing. Owns the bound;
 * what ends is its caller's.
 */
import type { Environment } from "./environment.ts";

export const PAUSE_GRACE_MS = 30_000;
/** These are held by the page meanwhile. */
export const PAUSE_GRACE_LINES = 5000;

export class PauseGrace {
  readonly #environment: Pick<Environment, "setTimer" | "clearTimer">;
  readonly #onOver: () => void;
  #timer: number | null = null;
  #linesLeft = 0;

  constructor(environment: Pick<Environment, "setTimer" | "clearTimer">, onOver: () => void) {
    this.#environment = environment;
    this.#onOver = onOver;
  }

  /** Begins to count, unless it has begun already. */
  begin(): void {
    if (this.#timer !== null) return;
    this.#linesLeft = PAUSE_GRACE_LINES;
    this.#timer = this.#environment.setTimer(() => {
      this.#timer = null;
      this.#onOver();
    }, PAUSE_GRACE_MS);
  }

  end(): void {
    if (this.#timer !== null) this.#environment.clearTimer(this.#timer);
    this.#timer = null;
  }

  /** So many lines have come. */
  note(lines: number): void {
    if (this.#timer === null) return;
    this.#linesLeft -= lines;
    if (this.#linesLeft > 0) return;
    this.end();
    this.#onOver();
  }
}
