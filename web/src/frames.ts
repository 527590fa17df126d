/** One flush for each frame, however many events come in between. Nothing is queued here: it is a wake-up only. */

/** Under a flood each drawing is of nothing but new lines, which nobody can read at 60 a second. */
const FLOOD_REST_MS = 48;

export class FrameFlush {
  readonly #flush: () => boolean;
  readonly #requestFrame: (callback: () => void) => number;
  readonly #cancelFrame: (frame: number) => void;
  readonly #now: () => number;
  #frame: number | null = null;
  #restUntil = 0;

  /** `flush` says whether it was of a flood: the next one then waits for a few frames. */
  constructor(
    flush: () => boolean,
    requestFrame: (callback: () => void) => number = (callback) => requestAnimationFrame(callback),
    cancelFrame: (frame: number) => void = (frame) => {
      cancelAnimationFrame(frame);
    },
    now: () => number = () => performance.now(),
  ) {
    this.#flush = flush;
    this.#requestFrame = requestFrame;
    this.#cancelFrame = cancelFrame;
    this.#now = now;
  }

  request(): void {
    this.#frame ??= this.#requestFrame(() => {
      this.#frame = null;
      if (this.#now() < this.#restUntil) this.request();
      else if (this.#flush()) this.#restUntil = this.#now() + FLOOD_REST_MS;
    });
  }

  cancel(): void {
    if (this.#frame !== null) this.#cancelFrame(this.#frame);
    this.#frame = null;
  }
}
