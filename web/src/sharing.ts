/**
 * What a tab and the worker that holds the streams of all tabs say to each other. Types alone.
 *
 * A tab is a position that pulls: it is told a few events, and more once it has taken them. Nothing is queued for it; if
 * it lags so far that the worker no longer has its position, it goes on by itself, from its own id, and comes back later.
 */
import type { Hello, Ping } from "./protocol.ts";
import type { Told } from "./ring.ts";
import type { Selection } from "./selection.ts";
import type { StreamState } from "./stream.ts";

export type ToWorker =
  | Join
  /** What was told has been taken. */
  | { readonly kind: "more" }
  /** The answer to `beat`. */
  | { readonly kind: "here" }
  | { readonly kind: "hold"; readonly isHeld: boolean }
  /** The tab is looked at again, or no more. */
  | { readonly kind: "refresh" | "hide" }
  | { readonly kind: "wake" | "leave" };

export interface Join {
  readonly kind: "join";
  /** The page's address: what the server's addresses are relative to. */
  readonly base: string;
  readonly selection: Selection;
  readonly from: string;
  /** Ids after which to go on, any of them; without one the stream's last lines come first. */
  readonly after: readonly string[];
  readonly isHeld: boolean;
  readonly isHidden: boolean;
  /** Whether requests of this page share a connection. */
  readonly isMultiplexed: boolean;
}

export type ToTab =
  | Joined
  /** The worker does not have the tab's position: the tab goes on by itself. */
  | { readonly kind: "behind" }
  | { readonly kind: "told"; readonly told: readonly Told[] }
  /** The state behind all that was told; `leftMs` in place of a stamp of the worker's own clock. */
  | { readonly kind: "state"; readonly state: StreamState; readonly leftMs: number | null }
  /** All who looked have paused, and the stream has ended. */
  | { readonly kind: "released" }
  /** The worker lives, and wants to know whether the tab does. */
  | { readonly kind: "beat" };

export interface Joined {
  readonly kind: "joined";
  /** What was said before the place at which the tab begins; null where that is yet to come. */
  readonly hello: Hello | null;
  readonly ping: Ping | null;
  readonly cursor: string | null;
  /** Whether the tab begins where the stream did, or at the position that it named. */
  readonly isWhole: boolean;
}

/** One end of a channel; `MessagePort` is one. */
export interface Port<Out> {
  readonly postMessage: (message: Out) => void;
  readonly close: () => void;
}

/**
 * So many streams are open at once. A browser has six connections to a server that speaks HTTP/1.1, and pages of the past
 * need some: views beyond that rest while none of their tabs is looked at, the one not seen for longest first.
 */
export const MOST_STREAMS = 4;
/**
 * So many views that are looked at have a stream where each takes a connection: the last one is left for everything else,
 * or not even a page would come that says what is wrong.
 */
export const MOST_SEEN_STREAMS = 5;

/** How often the worker says that it lives. */
export const BEAT_MS = 10_000;
/** A worker that has said nothing for so long is dead. */
export const WORKER_SILENCE_MS = 3 * BEAT_MS;
/** A tab that has said nothing for so long is closed, or frozen: then it comes back as one that lags. */
export const TAB_SILENCE_MS = 6 * BEAT_MS;
