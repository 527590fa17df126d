/**
 * One stream and the tabs that look at it: each has a place in the stream's last events and is told from there as fast as
 * it takes them. Owns the stream's life; knows no worker and no browser.
 */
import type { Environment } from "./environment.ts";
import type { WireEvent } from "./protocol.ts";
import type { Place, RingBounds } from "./ring.ts";
import { EventRing } from "./ring.ts";
import type { Join, Port, ToTab } from "./sharing.ts";
import type { StreamState } from "./stream.ts";
import { BACKLOG_LINES, LogStream } from "./stream.ts";

/** So many lines are told at once: a tab takes them between two frames. */
const TOLD_LINES = 500;
/** Eight tabs hear at once that the network is back: one new connection is enough. */
const WAKES_AS_ONE_MS = 1000;

/** Why a view has no connection: nobody looks at it, or too many others are looked at. */
export type Rest = "hidden" | "crowded";

interface Looker {
  place: Place;
  /** The state that the tab knows. */
  state: StreamState | null;
  /** Events are on their way, and not taken yet. */
  isBusy: boolean;
  isHeld: boolean;
  isHidden: boolean;
}

export class SharedView {
  readonly #environment: Environment;
  readonly #onEnd: () => void;
  readonly #ring: EventRing;
  readonly #stream: LogStream;
  readonly #lookers = new Map<Port<ToTab>, Looker>();
  #state: StreamState = { kind: "connecting" };
  #wokenAt = Number.NEGATIVE_INFINITY;
  #hasEnded = false;
  #rest: Rest | null = null;
  /** When the last of its tabs was hidden; null while one is looked at. */
  #hiddenAt: number | null = null;

  /** `onEnd` is called once, when nobody looks any more or the stream has ended. */
  constructor(
    { base, selection, from, after }: Join,
    environment: Environment,
    onEnd: () => void,
    bounds?: RingBounds,
  ) {
    this.#environment = environment;
    this.#onEnd = onEnd;
    this.#ring = new EventRing(after[0], bounds);
    this.#stream = new LogStream(
      { selection, from, cursor: after[0] ?? null },
      {
        onEvent: (event) => {
          this.#take(event);
        },
        onTold: (cursor) => {
          this.#ring.reach(cursor);
          this.#tellAll();
        },
        onState: (state) => {
          this.#noteState(state);
        },
        onReleased: () => {
          this.#release();
        },
      },
      { ...environment, fetch: (address, init) => environment.fetch(new URL(address, base).href, init) },
    );
  }

  get isResting(): boolean {
    return this.#rest !== null;
  }

  get hiddenAt(): number | null {
    return this.#hiddenAt;
  }

  /** Lets go of the connection, or with null takes one again; each tab keeps its place. */
  rest(rest: Rest | null): void {
    const before = this.#rest;
    this.#rest = rest;
    if (before === rest) return;
    if (rest === null) this.#stream.wake();
    else if (before === null) this.#stream.suspend();
    else this.#noteState({ kind: "suspended" });
  }

  /** Connects. The first tab joins before. */
  start(): void {
    this.#stream.start();
  }

  /** Lets a tab look from its place on; false, after saying so, if that is not here. */
  join(port: Port<ToTab>, { after, isHeld, isHidden }: Join): boolean {
    const begin = this.#placeFor(after);
    if (begin === null) {
      port.postMessage({ kind: "behind" });
      return false;
    }
    const { hello, ping, cursor } = this.#ring.before(begin.place);
    port.postMessage({ kind: "joined", hello, ping, cursor, isWhole: begin.isWhole });
    this.#lookers.set(port, { place: begin.place, state: null, isBusy: false, isHeld, isHidden });
    this.#noteLookers();
    this.#tell(port);
    return true;
  }

  leave(port: Port<ToTab>): void {
    if (!this.#lookers.delete(port)) return;
    if (this.#lookers.size === 0) this.#end();
    else this.#noteLookers();
  }

  /** The tab has taken what it was told. */
  more(port: Port<ToTab>): void {
    const looker = this.#lookers.get(port);
    if (looker === undefined) return;
    looker.isBusy = false;
    this.#tell(port);
  }

  hold(port: Port<ToTab>, isHeld: boolean): void {
    const looker = this.#lookers.get(port);
    if (looker === undefined) return;
    looker.isHeld = isHeld;
    this.#noteLookers();
  }

  /** The tab is looked at no more, or again: then a connection that is probably dead is made anew. */
  hide(port: Port<ToTab>, isHidden: boolean): void {
    const looker = this.#lookers.get(port);
    if (looker === undefined) return;
    looker.isHidden = isHidden;
    this.#noteLookers();
    if (!isHidden) this.#stream.refresh();
  }

  wake(): void {
    if (this.isResting) return;
    const now = this.#environment.now();
    if (now - this.#wokenAt < WAKES_AS_ONE_MS) return;
    this.#wokenAt = now;
    this.#stream.wake();
  }

  #placeFor(after: readonly string[]): { readonly place: Place; readonly isWhole: boolean } | null {
    if (after.length === 0) return this.#ring.placeOfLast(BACKLOG_LINES);
    // The first tab: the stream itself begins there.
    if (this.#lookers.size === 0) return { place: this.#ring.end, isWhole: true };
    for (const id of after) {
      const place = this.#ring.placeAfter(id);
      if (place !== null) return { place, isWhole: true };
    }
    return null;
  }

  #take(event: WireEvent): void {
    // Until the position behind it is known, the one before it holds.
    this.#ring.add(event, this.#stream.cursor);
  }

  #noteState(state: StreamState): void {
    this.#state = state.kind === "suspended" && this.#rest === "crowded" ? { kind: "crowded" } : state;
    this.#tellAll();
    if (state.kind === "stopped") this.#end();
  }

  #tellAll(): void {
    for (const port of [...this.#lookers.keys()]) this.#tell(port);
  }

  #tell(port: Port<ToTab>): void {
    const looker = this.#lookers.get(port);
    if (looker === undefined || looker.isBusy) return;
    if (!this.#ring.holds(looker.place)) {
      port.postMessage({ kind: "behind" });
      this.leave(port);
      return;
    }
    const { told, place } = this.#ring.from(looker.place, TOLD_LINES);
    looker.place = place;
    if (told.length > 0) {
      looker.isBusy = true;
      port.postMessage({ kind: "told", told });
    }
    if (place.next === this.#ring.end.next && looker.state !== this.#state) {
      looker.state = this.#state;
      port.postMessage({ kind: "state", state: this.#state, leftMs: this.#leftMs() });
    }
  }

  #leftMs(): number | null {
    return this.#state.kind === "waiting" ? this.#state.until - this.#environment.now() : null;
  }

  #noteLookers(): void {
    const lookers = [...this.#lookers.values()];
    // While one tab follows, the stream costs no more for those that have paused.
    this.#stream.hold(lookers.every(({ isHeld }) => isHeld));
    if (!lookers.every(({ isHidden }) => isHidden)) this.#hiddenAt = null;
    else this.#hiddenAt ??= this.#environment.now();
  }

  #release(): void {
    for (const port of this.#lookers.keys()) port.postMessage({ kind: "released" });
    this.#lookers.clear();
    this.#end();
  }

  /** Nothing more comes. Who looks is still told what is here. */
  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#stream.close();
    this.#onEnd();
  }
}
