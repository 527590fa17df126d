/** One flush for each frame, however many events come in between. Nothing is queued here: it is a wake-up only. */

/** Under a flood each drawing is of nothing but new lines, which nobody can read at 60 a second. */
const FLOOD_REST_MS = 48;

export class FrameFlush {
  readonly #flush: () => boolean;
  readonly #requestFrame: (callback: () => void) => number;
  readonly #cancelFrame: (frame: number) => void;
  readonly #now: () => number;
  readonly #setTimer: (callback: () => void, delayMs: number) => number;
  readonly #clearTimer: (timer: number) => void;
  #timer: number | null = null;
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
    setTimer: (callback: () => void, delayMs: number) => number = (callback, delayMs) =>
      window.setTimeout(callback, delayMs),
    clearTimer: (timer: number) => void = (timer) => {
      clearTimeout(timer);
    },
  ) {
    this.#flush = flush;
    this.#requestFrame = requestFrame;
    this.#cancelFrame = cancelFrame;
    this.#now = now;
    this.#setTimer = setTimer;
    this.#clearTimer = clearTimer;
  }

  request(): void {
    if (this.#frame !== null || this.#timer !== null) return;
    const restMs = this.#restUntil - this.#now();
    if (restMs <= 0) this.#await();
    else {
      // A frame that is asked for is made, though nothing is new in it.
      this.#timer = this.#setTimer(() => {
        this.#timer = null;
        this.#await();
      }, restMs);
    }
  }

  cancel(): void {
    if (this.#frame !== null) this.#cancelFrame(this.#frame);
    if (this.#timer !== null) this.#clearTimer(this.#timer);
    this.#frame = null;
    this.#timer = null;
  }

  #await(): void {
    this.#frame = this.#requestFrame(() => {
      this.#frame = null;
      if (this.#flush()) this.#restUntil = this.#now() + FLOOD_REST_MS;
    });
  }
}
