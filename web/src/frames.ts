/** One flush for each frame, however many events come in between. Nothing is queued here: it is a wake-up only. */
export class FrameFlush {
  readonly #flush: () => void;
  readonly #requestFrame: (callback: () => void) => number;
  readonly #cancelFrame: (frame: number) => void;
  #frame: number | null = null;

  constructor(
    flush: () => void,
    requestFrame: (callback: () => void) => number = (callback) => requestAnimationFrame(callback),
    cancelFrame: (frame: number) => void = (frame) => {
      cancelAnimationFrame(frame);
    },
  ) {
    this.#flush = flush;
    this.#requestFrame = requestFrame;
    this.#cancelFrame = cancelFrame;
  }

  request(): void {
    this.#frame ??= this.#requestFrame(() => {
      this.#frame = null;
      this.#flush();
    });
  }

  cancel(): void {
    if (this.#frame !== null) this.#cancelFrame(this.#frame);
    this.#frame = null;
  }
}
