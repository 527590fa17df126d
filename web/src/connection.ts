/**
 * One attempt at the stream: request, status, bytes, watchdog; it says how it ended. It decides nothing about the next
 * attempt, and keeps no state beyond its own life.
 */
import { parseRetryAfterMs } from "./backoff.ts";
import type { Environment } from "./environment.ts";
import type { Message } from "./events.ts";
import { EventReader, EventTooLongError } from "./events.ts";
import type { Problem } from "./answers.ts";
import type { Bye } from "./protocol.ts";
import { parseProblem } from "./answers.ts";
import { WireError } from "./protocol.ts";

/** The server may miss this many heartbeats before its silence counts as a lost connection. */
const MISSED_HEARTBEATS = 3;
const DEFAULT_HEARTBEAT_MS = 15_000;
/** A frame of 60 a second has 16 ms; drawing wants its part. */
const LONGEST_WORK_MS = 6;
const FEED_BYTES = 16 * 1024;

export type Ending =
  /** An answer that the same request would get again: no further attempt. */
  | { readonly kind: "refused"; readonly status: number; readonly problem: Problem }
  | { readonly kind: "failed"; readonly why: string; readonly retryAfterMs: number | null }
  | { readonly kind: "bye"; readonly bye: Bye }
  /** Ended by the page: to connect anew at once, to rest until woken, or for good. */
  | { readonly kind: "again" | "suspended" | "closed" };

export interface Hooks {
  /** May throw WireError; the cursor then stays before this message. */
  readonly onMessage: (message: Message) => void;
  /** The id that the stream has reached, after the messages up to it were taken. */
  readonly onCursor: (id: string) => void;
}

export class Connection {
  readonly #environment: Environment;
  readonly #address: string;
  readonly #cursor: string | null;
  readonly #hooks: Hooks;
  readonly #controller = new AbortController();
  #ending: Ending | null = null;
  #heartbeatMs = DEFAULT_HEARTBEAT_MS;
  #lastByteAt: number;
  #watchdog: number | null = null;
  #breathedAt: number;

  constructor(environment: Environment, address: string, cursor: string | null, hooks: Hooks) {
    this.#environment = environment;
    this.#address = address;
    this.#cursor = cursor;
    this.#hooks = hooks;
    this.#lastByteAt = environment.now();
    this.#breathedAt = this.#lastByteAt;
  }

  /** True if the last byte is older than one and a half heartbeats: after a sleep, probably a dead connection. */
  get isStale(): boolean {
    return this.#environment.now() - this.#lastByteAt > 1.5 * this.#heartbeatMs;
  }

  setHeartbeat(seconds: number): void {
    this.#heartbeatMs = seconds * 1000;
    this.#watch();
  }

  /** Ends the attempt now; `run` answers with this ending. */
  end(ending: Ending): void {
    this.#ending ??= ending;
    this.#controller.abort();
  }

  /** Runs to the end of the attempt; never throws. */
  async run(): Promise<Ending> {
    this.#watch();
    try {
      return await this.#attempt();
    } catch (error) {
      return this.#ending ?? failed(this.#wordsOf(error));
    } finally {
      if (this.#watchdog !== null) this.#environment.clearTimer(this.#watchdog);
      // Whatever is left of the response is of no use to anybody: free its connection, one of six that a browser has.
      this.#controller.abort();
    }
  }

  async #attempt(): Promise<Ending> {
    const response = await this.#environment.fetch(this.#address, {
      headers: { Accept: "text/event-stream", ...this.#resumeHeader() },
      cache: "no-store",
      credentials: "same-origin",
      signal: this.#controller.signal,
    });
    if (isFinal(response.status)) {
      return { kind: "refused", status: response.status, problem: parseProblem(await response.text()) };
    }
    const isStream = /^text\/event-stream\s*(;|$)/i.test(response.headers.get("Content-Type") ?? "");
    if (response.status !== 200 || !isStream || response.body === null) {
      await response.body?.cancel();
      return failed(
        response.status === 200 ? "the answer was not an event stream" : `the server answered ${response.status}`,
        parseRetryAfterMs(response.headers.get("Retry-After"), this.#environment.wallClock()),
      );
    }
    return await this.#read(response.body);
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<Ending> {
    const events = new EventReader((message) => {
      // A connection that was ended from within a message must not deliver the rest of the same chunk.
      if (this.#ending !== null) throw new Error("ended");
      this.#hooks.onMessage(message);
      this.#hooks.onCursor(message.lastEventId);
    }, this.#cursor ?? "");
    const reader = body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (this.#ending !== null) return this.#ending;
      if (done) return failed("the connection ended");
      this.#lastByteAt = this.#environment.now();
      await this.#feed(events, value);
      // An id without data moves the cursor too (WHATWG HTML 9.2.6, dispatch, step 1).
      this.#hooks.onCursor(events.lastEventId);
    }
  }

  /** A burst is taken in pieces: while one is read, the page can neither draw nor hear a key. */
  async #feed(events: EventReader, bytes: Uint8Array): Promise<void> {
    const now = this.#environment.now();
    if (now - this.#breathedAt > LONGEST_WORK_MS) await this.#breathe();
    for (let start = 0; start < bytes.length; start += FEED_BYTES) {
      if (start > 0 && this.#environment.now() - this.#breathedAt > LONGEST_WORK_MS) await this.#breathe();
      if (this.#ending !== null) return;
      events.feed(bytes.subarray(start, start + FEED_BYTES));
    }
  }

  async #breathe(): Promise<void> {
    await this.#environment.breathe();
    this.#breathedAt = this.#environment.now();
  }

  /** Ids are printable ASCII; another text would make `fetch` throw, and the query parameter carries it anyway. */
  #resumeHeader(): Record<string, string> {
    return this.#cursor !== null && /^[\x21-\x7e]+$/.test(this.#cursor) ? { "Last-Event-ID": this.#cursor } : {};
  }

  #wordsOf(error: unknown): string {
    if (error instanceof WireError || error instanceof EventTooLongError) return error.message;
    // `fetch` and a body's reader reject with TypeError; anything else is a mistake in the page and must be seen.
    if (error instanceof TypeError) return "the server cannot be reached";
    this.#environment.report(error);
    return "this page made a mistake";
  }

  /**
   * Ends the attempt once no byte has come for three heartbeats. Compares clock stamps and does not count ticks: the
   * timers of a hidden tab may fire once a minute only.
   */
  #watch(): void {
    if (this.#watchdog !== null) this.#environment.clearTimer(this.#watchdog);
    const limitMs = MISSED_HEARTBEATS * this.#heartbeatMs;
    const leftMs = limitMs - (this.#environment.now() - this.#lastByteAt);
    if (leftMs <= 0) {
      this.end(failed(`nothing arrived for ${Math.round(limitMs / 1000)} s`));
    } else {
      this.#watchdog = this.#environment.setTimer(() => {
        this.#watch();
      }, leftMs);
    }
  }
}

/** 204 is the official way to say "stop"; of the errors, 408, 425 and 429 are about this moment, not this request. */
function isFinal(status: number): boolean {
  return status === 204 || (status >= 400 && status < 500 && ![408, 425, 429].includes(status));
}

function failed(why: string, retryAfterMs: number | null = null): Ending {
  return { kind: "failed", why, retryAfterMs };
}
