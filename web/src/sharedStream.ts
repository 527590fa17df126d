/**
 * A tab's side of a stream that all tabs share. Owns the tab's position, and goes on from it with a stream of its own
 * whenever the worker cannot: none there, not started yet, dead, or no more at that position. Each line once, in order,
 * whoever brings it: a channel over which no answer came in time is closed, and what still comes over it is not heard.
 *
 * A stream of its own that has caught up asks the worker to take over. Until the answer its lines go on; what the worker
 * then tells again is left out by its id.
 */
import type { Environment } from "./environment.ts";
import { Interned } from "./interned.ts";
import { JoinedPings } from "./joinedPings.ts";
import { unpackedEvent } from "./packed.ts";
import type { WireEvent } from "./protocol.ts";
import type { Joined, Port, ToTab, ToWorker } from "./sharing.ts";
import type { Stream, StreamListener, StreamOptions, StreamState } from "./stream.ts";
import { LogStream } from "./stream.ts";
import { WorkerWatch } from "./workerWatch.ts";

/** A new channel to the worker, or null where there can be none; `onFailure` says that it does not start. */
export type Connect = (onMessage: (message: ToTab) => void, onFailure: () => void) => Port<ToWorker> | null;

export class SharedStream implements Stream {
  readonly #options: StreamOptions;
  readonly #listener: StreamListener;
  readonly #environment: Environment;
  readonly #base: string;
  readonly #connect: Connect;
  readonly #pings = new JoinedPings();
  readonly #watch: WorkerWatch;
  readonly #interned = new Interned();
  #port: Port<ToWorker> | null = null;
  #own: LogStream | null = null;
  #cursor: string | null;
  /** The position behind the last line or gap. */
  #lineCursor: string | null = null;
  #isLineLast = false;
  #isHeld = false;
  #isHidden: boolean;
  #isClosed = false;
  #hasBegun = false;
  /** The stream has changed hands: to the reader it is the same as before, as long as nothing is lost by that. */
  #isSwitching = false;
  /** What came since the worker was asked: it may tell that again. Null while it is not. */
  #sinceAsked: Set<string> | null = null;

  constructor(
    options: StreamOptions,
    listener: StreamListener,
    environment: Environment,
    base: string,
    connect: Connect,
    isHidden = false,
  ) {
    this.#isHidden = isHidden;
    this.#options = options;
    this.#listener = listener;
    this.#environment = environment;
    this.#base = base;
    this.#connect = connect;
    this.#watch = new WorkerWatch(environment, () => {
      this.#loseWorker();
    });
    this.#cursor = options.cursor ?? null;
    this.#lineCursor = this.#cursor;
  }

  get cursor(): string | null {
    return this.#cursor;
  }

  start(): void {
    this.#ask();
    if (this.#port === null) this.#goOnAlone();
  }

  close(): void {
    this.#isClosed = true;
    this.#dropPort();
    this.#own?.close();
    this.#own = null;
  }

  wake(): void {
    if (this.#isClosed) return;
    if (this.#own !== null) this.#own.wake();
    else if (this.#port !== null) this.#send({ kind: "wake" });
    // It rested in the back/forward cache.
    else this.start();
  }

  refresh(): void {
    this.#isHidden = false;
    this.#own?.refresh();
    this.#send({ kind: "refresh" });
    this.#watch.check();
  }

  hide(): void {
    this.#isHidden = true;
    this.#send({ kind: "hide" });
  }

  suspend(): void {
    this.#dropPort();
    if (this.#own === null) this.#listener.onState({ kind: "suspended" });
    else this.#own.suspend();
  }

  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    this.#own?.hold(isHeld);
    this.#send({ kind: "hold", isHeld });
  }

  #ask(): void {
    this.#port ??= this.#open();
    if (this.#port === null) return;
    this.#watch.ask();
    this.#sinceAsked = new Set();
    const after = [...new Set([this.#cursor, this.#lineCursor])].filter((id) => id !== null);
    const { selection, from } = this.#options;
    const [isHeld, isHidden] = [this.#isHeld, this.#isHidden];
    const isMultiplexed = this.#environment.isMultiplexed();
    this.#send({ kind: "join", base: this.#base, selection, from, after, isHeld, isHidden, isMultiplexed });
  }

  #open(): Port<ToWorker> | null {
    const port = this.#connect(
      (message) => {
        if (port === this.#port) this.#hear(message);
      },
      () => {
        if (port === this.#port) this.#loseWorker();
      },
    );
    return port;
  }

  #dropPort(): void {
    this.#send({ kind: "leave" });
    this.#port?.close();
    this.#port = null;
    this.#sinceAsked = null;
    this.#watch.end();
  }

  #loseWorker(): void {
    this.#dropPort();
    if (this.#own === null) this.#goOnAlone();
  }

  #send(message: ToWorker): void {
    this.#port?.postMessage(message);
  }

  #hear(message: ToTab): void {
    this.#watch.hear(message.kind === "joined" || message.kind === "behind");
    switch (message.kind) {
      case "joined":
        this.#join(message);
        break;
      case "behind":
        this.#sinceAsked = null;
        if (this.#own === null) this.#goOnAlone();
        break;
      case "told":
        for (const { event, cursor } of message.told) this.#take(unpackedEvent(event, this.#interned), cursor);
        this.#send({ kind: "more" });
        break;
      case "state":
        this.#listener.onState(byThisClock(message.state, message.leftMs, this.#environment.now()));
        break;
      case "released":
        this.#release();
        break;
      case "beat":
        this.#send({ kind: "here" });
        break;
    }
  }

  #join({ hello, ping, cursor, isWhole }: Joined): void {
    this.#own?.close();
    this.#own = null;
    if (!isWhole) this.#pings.beginWithin(ping);
    else this.#pings.join(ping);
    this.#cursor ??= cursor;
    this.#isSwitching = this.#hasBegun && hello === null;
    if (this.#hasBegun || hello === null) return;
    this.#hasBegun = true;
    // To this tab it is the beginning, whatever became of the connection before.
    this.#listener.onEvent({ kind: "hello", hello: { ...hello, resume: { from: null, exact: true, reason: null } } });
  }

  #take(event: WireEvent, cursor: string | null): void {
    const fresh = this.#withoutSeen(event, cursor);
    if (this.#isClosed) return;
    if (fresh !== null) this.#tell(fresh);
    this.#reach(cursor);
  }

  /** The event without what the tab's own stream has brought already; null if that is all of it. */
  #withoutSeen(event: WireEvent, cursor: string | null): WireEvent | null {
    const seen = this.#sinceAsked;
    if (seen === null || seen.size === 0) return event;
    if (event.kind === "gap") return cursor !== null && seen.delete(cursor) ? null : event;
    if (event.kind !== "records") return event;
    const records = event.records.filter(({ id }) => id === null || !seen.delete(id));
    return records.length === 0 ? null : { kind: "records", records };
  }

  #tell(event: WireEvent): void {
    if (event.kind === "hello") {
      const isSameAsBefore = this.#isSwitching && event.hello.resume.exact;
      this.#isSwitching = false;
      if (isSameAsBefore) return;
      this.#hasBegun = true;
      this.#pings.begin();
    }
    this.#isLineLast = event.kind === "records" || event.kind === "gap";
    this.#listener.onEvent(event.kind === "ping" ? { kind: "ping", ping: this.#pings.told(event.ping) } : event);
  }

  #reach(cursor: string | null): void {
    this.#cursor = cursor;
    if (this.#isLineLast) this.#lineCursor = cursor;
    this.#isLineLast = false;
    this.#listener.onTold?.(cursor);
  }

  #release(): void {
    this.#dropPort();
    this.#listener.onReleased?.();
  }

  /** Goes on from the tab's position with a stream of its own. */
  #goOnAlone(): void {
    if (this.#isClosed) return;
    this.#isSwitching = this.#hasBegun;
    let isLive = false;
    this.#pings.join(null);
    const own: LogStream = new LogStream(
      { ...this.#options, cursor: this.#cursor },
      {
        onState: (state) => {
          isLive = state.kind === "live";
          if (own === this.#own) this.#listener.onState(state);
        },
        onEvent: (event) => {
          if (own !== this.#own) return;
          this.#takeOwn(event);
        },
        onTold: (cursor) => {
          if (own !== this.#own) return;
          if (this.#isLineLast && cursor !== null) this.#sinceAsked?.add(cursor);
          this.#reach(cursor);
          if (isLive) this.#askAgain();
        },
        onReleased: () => {
          this.#release();
        },
      },
      this.#environment,
    );
    this.#own = own;
    own.start();
    own.hold(this.#isHeld);
  }

  #takeOwn(event: WireEvent): void {
    if (event.kind === "records") for (const { id } of event.records) if (id !== null) this.#sinceAsked?.add(id);
    this.#tell(event);
  }

  #askAgain(): void {
    if (this.#sinceAsked === null && this.#watch.mayAsk) this.#ask();
  }
}

/** A state whose stamp, if it has one, is of the worker's clock: so many ms are left. */
function byThisClock(state: StreamState, leftMs: number | null, now: number): StreamState {
  return state.kind === "waiting" && leftMs !== null ? { ...state, until: now + leftMs } : state;
}
