/**
 * The stream as the page sees it: one connection after the other, joined by a cursor so that no record is missing and
 * none comes twice. Owns the cursor, the order of retries and the state in words; no DOM, no Vue, no drawing.
 */
import { backoffDelayMs, byeDelayMs } from "./backoff.ts";
import type { Ending } from "./connection.ts";
import { Connection } from "./connection.ts";
import type { Environment } from "./environment.ts";
import type { Message } from "./events.ts";
import type { Problem } from "./answers.ts";
import { PauseGrace } from "./pausing.ts";
import type { WireEvent } from "./protocol.ts";
import { parseEvent } from "./protocol.ts";
import { RecentIds } from "./seen.ts";
import type { Selection } from "./selection.ts";
import { streamAddress } from "./selection.ts";

/** At least the rows that a page holds: what has left the page cannot be seen twice. */
const REMEMBERED_IDS = 100_000;

/** How many of the last matching lines a page begins with. */
export const BACKLOG_LINES = 500;

export type StreamState =
  | { readonly kind: "connecting" }
  | { readonly kind: "catching-up"; readonly lagBytes: number | null }
  | { readonly kind: "live" }
  /** Lines are missing since just now: until the next ping, which says where the stream is. */
  | { readonly kind: "gap" }
  /** `until` is a stamp of the environment's clock. */
  | { readonly kind: "waiting"; readonly until: number; readonly why: string }
  | { readonly kind: "suspended" }
  /** The browser's connections are all taken by other views: until one is free. */
  | { readonly kind: "crowded" }
  | { readonly kind: "stopped"; readonly status: number; readonly problem: Problem };

export interface StreamOptions {
  readonly selection: Selection;
  /** Where the first connection begins: `now`, `start`, `-500` ... */
  readonly from: string;
  /** Goes on after this id, if there is one. */
  readonly cursor?: string | null;
}

export interface StreamListener {
  readonly onState: (state: StreamState) => void;
  /** Every event but `bye`; records only once each. */
  readonly onEvent: (event: WireEvent) => void;
  /** `cursor` stands behind all events told so far. */
  readonly onTold?: (cursor: string | null) => void;
  /** Nobody has followed for a while: the stream has ended itself, and another may go on at its cursor. */
  readonly onReleased?: () => void;
}

/** What a timeline asks of its stream, wherever that runs. */
export interface Stream {
  /** The id after which the next connection begins. */
  readonly cursor: string | null;
  /** Connects, and stays connected until `close` or an answer that makes no sense to repeat. Call once. */
  readonly start: () => void;
  /** Ends the stream for good; nothing is reported afterwards. */
  readonly close: () => void;
  /** The network is back, or the page is: connects anew at once. */
  readonly wake: () => void;
  /** The page is looked at again: connects anew if the connection is probably dead or a slept-through wait is over. */
  readonly refresh: () => void;
  /** The page is looked at no more; `refresh` ends it. */
  readonly hide: () => void;
  /** The page goes into the browser's back/forward cache, where an open connection may not be; `wake` ends it. */
  readonly suspend: () => void;
  /** While held, nobody follows: before long the stream ends itself. */
  readonly hold: (isHeld: boolean) => void;
}

export type OpenStream = (options: StreamOptions, listener: StreamListener) => Stream;

export class LogStream implements Stream {
  readonly #options: StreamOptions;
  readonly #listener: StreamListener;
  readonly #environment: Environment;
  readonly #shown = new RecentIds(REMEMBERED_IDS);
  readonly #grace: PauseGrace;
  #connection: Connection | null = null;
  /** Since the cursor moved last. */
  #linesTold = 0;
  /** Ends the wait between two connections. */
  #endWait: (() => void) | null = null;
  #cursor: string | null = null;
  /** Attempts in a row that brought nothing. */
  #failures = 0;
  #quickRetryUsed = false;
  #closed = false;
  #isSuspended = false;
  #state: StreamState = { kind: "connecting" };

  constructor(options: StreamOptions, listener: StreamListener, environment: Environment) {
    this.#options = options;
    this.#listener = listener;
    this.#environment = environment;
    this.#cursor = options.cursor ?? null;
    this.#grace = new PauseGrace(environment, () => {
      this.close();
      listener.onReleased?.();
    });
  }

  get cursor(): string | null {
    return this.#cursor;
  }

  start(): void {
    void this.#run();
  }

  close(): void {
    this.#closed = true;
    this.#grace.end();
    this.#connection?.end({ kind: "closed" });
    this.#endWait?.();
  }

  wake(): void {
    this.#isSuspended = false;
    this.#failures = 0;
    this.#connection?.end({ kind: "again" });
    this.#endWait?.();
  }

  refresh(): void {
    if (this.#connection?.isStale === true) this.#connection.end({ kind: "again" });
    if (this.#state.kind === "waiting" && this.#state.until <= this.#environment.now()) this.#endWait?.();
  }

  hide(): void {
    // A stream of its own goes on: its lines are there when one looks again.
  }

  suspend(): void {
    this.#isSuspended = true;
    this.#connection?.end({ kind: "suspended" });
    this.#endWait?.();
  }

  hold(isHeld: boolean): void {
    if (isHeld && !this.#closed) this.#grace.begin();
    else this.#grace.end();
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      if (this.#isSuspended) {
        await this.#rest();
        continue;
      }
      this.#setState({ kind: "connecting" });
      const ending = await this.#connect();
      if (ending.kind === "refused") {
        this.close();
        this.#setState({ kind: "stopped", status: ending.status, problem: ending.problem });
        return;
      }
      await this.#wait(ending);
    }
  }

  async #connect(): Promise<Ending> {
    const address = streamAddress(this.#options.selection, this.#options.from, this.#cursor);
    this.#connection = new Connection(this.#environment, address, this.#cursor, {
      onMessage: (message) => {
        this.#take(message);
      },
      onCursor: (id) => {
        this.#cursor = id === "" ? null : id;
        this.#listener.onTold?.(this.#cursor);
        const lines = this.#linesTold;
        this.#linesTold = 0;
        this.#grace.note(lines);
      },
    });
    const ending = await this.#connection.run();
    this.#connection = null;
    return this.#closed ? { kind: "closed" } : ending;
  }

  async #wait(ending: Ending): Promise<void> {
    switch (ending.kind) {
      case "failed": {
        // Retry-After is a lower bound that all clients are given alike: the jitter goes on top.
        const delayMs = (ending.retryAfterMs ?? 0) + backoffDelayMs(this.#failures, this.#environment.random);
        this.#failures += 1;
        await this.#sleep(delayMs, ending.why);
        break;
      }
      case "bye": {
        const { bye } = ending;
        const delayMs = this.#quickRetryUsed
          ? backoffDelayMs(this.#failures++, this.#environment.random)
          : byeDelayMs(bye.retryMs, this.#environment.random);
        this.#quickRetryUsed = true;
        await this.#sleep(delayMs, `the server said goodbye: ${bye.reason}`);
        break;
      }
      case "suspended":
      case "again":
      case "closed":
      case "refused":
        break;
    }
  }

  async #rest(): Promise<void> {
    this.#setState({ kind: "suspended" });
    await new Promise<void>((resolve) => {
      this.#endWait = resolve;
    });
    this.#endWait = null;
  }

  async #sleep(delayMs: number, why: string): Promise<void> {
    this.#setState({ kind: "waiting", until: this.#environment.now() + delayMs, why });
    await new Promise<void>((resolve) => {
      const timer = this.#environment.setTimer(resolve, delayMs);
      this.#endWait = () => {
        this.#environment.clearTimer(timer);
        resolve();
      };
    });
    this.#endWait = null;
  }

  #take(message: Message): void {
    const event = parseEvent(message.type, message.data);
    // A hello says no more than that a server accepts: one that accepts and fails must not be asked without pause.
    if (event.kind !== "hello" && event.kind !== "bye") {
      this.#failures = 0;
      this.#quickRetryUsed = false;
    }
    switch (event.kind) {
      case "hello":
        this.#connection?.setHeartbeat(event.hello.heartbeatSeconds);
        this.#setState({ kind: "catching-up", lagBytes: null });
        this.#listener.onEvent(event);
        break;
      case "records": {
        const records = event.records.filter(({ id }) => id === null || this.#shown.add(id));
        if (records.length > 0) this.#listener.onEvent({ kind: "records", records });
        this.#linesTold += records.length;
        break;
      }
      case "gap":
        this.#setState({ kind: "gap" });
        this.#listener.onEvent(event);
        break;
      case "ping": {
        // The server pings at the very moment at which a stream has caught up.
        const { lagBytes } = event.ping;
        this.#setState(lagBytes > 0 ? { kind: "catching-up", lagBytes } : { kind: "live" });
        this.#listener.onEvent(event);
        break;
      }
      case "bye":
        this.#connection?.end({ kind: "bye", bye: event.bye });
        break;
      case "file":
        this.#listener.onEvent(event);
        break;
      case "unknown":
        break;
    }
  }

  #setState(state: StreamState): void {
    this.#state = state;
    this.#listener.onState(state);
  }
}
