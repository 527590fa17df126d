/**
 * Whether the worker that holds the streams lives: it answers at once when it is asked, and says something at each beat.
 * Owns these two patiences, and how soon one that did not answer is asked again; what follows is its caller's.
 */
import type { Environment } from "./environment.ts";
import { BEAT_MS, WORKER_SILENCE_MS } from "./sharing.ts";

/** A worker that has started answers within a few; one that has not by then is not waited for. */
export const ANSWER_MS = 1000;
const ASK_AGAIN_MS = 1000;
/** Each question that was not answered doubles the pause before the next one, up to this. */
const ASK_AGAIN_MOST_MS = 60_000;

export class WorkerWatch {
  readonly #environment: Pick<Environment, "now" | "setTimer" | "clearTimer">;
  readonly #onDead: () => void;
  #isOn = false;
  #isAsked = false;
  #askedAt = Number.NEGATIVE_INFINITY;
  #heardAt = 0;
  #pauseMs = ASK_AGAIN_MS;
  #timer: number | null = null;

  constructor(environment: Pick<Environment, "now" | "setTimer" | "clearTimer">, onDead: () => void) {
    this.#environment = environment;
    this.#onDead = onDead;
  }

  /** Whether it is time for a question: none is open, and the last one is not just over. */
  get mayAsk(): boolean {
    return !this.#isAsked && this.#environment.now() - this.#askedAt >= this.#pauseMs;
  }

  /** A question is on its way to the worker, over a new channel perhaps. */
  ask(): void {
    if (!this.#isOn) this.#heardAt = this.#environment.now();
    this.#isOn = true;
    this.#isAsked = true;
    this.#askedAt = this.#environment.now();
    this.#checkLater();
  }

  hear(isAnswer: boolean): void {
    this.#heardAt = this.#environment.now();
    if (!isAnswer) return;
    this.#isAsked = false;
    this.#pauseMs = ASK_AGAIN_MS;
  }

  /** Tells at once if a patience is over. */
  check(): void {
    if (!this.#isOn) return;
    const now = this.#environment.now();
    const isUnanswered = this.#isAsked && now - this.#askedAt >= ANSWER_MS;
    if (isUnanswered) this.#pauseMs = Math.min(ASK_AGAIN_MOST_MS, 2 * this.#pauseMs);
    if (isUnanswered || now - this.#heardAt > WORKER_SILENCE_MS) this.#onDead();
  }

  /** The channel is closed. */
  end(): void {
    this.#isOn = false;
    this.#isAsked = false;
    this.#endTimer();
  }

  /** Compares clock stamps and does not count ticks: the timers of a hidden tab may fire once a minute only. */
  #checkLater(): void {
    this.#endTimer();
    this.#timer = this.#environment.setTimer(
      () => {
        this.#timer = null;
        this.check();
        if (this.#isOn) this.#checkLater();
      },
      this.#isAsked ? ANSWER_MS : BEAT_MS,
    );
  }

  #endTimer(): void {
    if (this.#timer !== null) this.#environment.clearTimer(this.#timer);
    this.#timer = null;
  }
}
