/**
 * A walk through the past, page by page, until there is a screen of lines more, an end, or enough was looked at. Owns the
 * order of requests and what the edge says meanwhile; what becomes of the pages is its caller's.
 */
import type { RecordsPage } from "./answers.ts";
import type { EdgeState } from "./edges.ts";
import type { Place } from "./history.ts";
import { failureOf } from "./history.ts";

/** So many more are worth a stop: a screen of them. */
const ENOUGH_LINES = 100;
/** A rare query may find nothing in many stretches; after so many the reader is asked whether to go on. */
const MOST_STRETCHES = 40;

export interface Walk {
  readonly kind: "before" | "after";
  readonly ask: (place: Place) => Promise<RecordsPage>;
  readonly signal: AbortSignal;
  /** Takes a page that was asked for at `from`, and says how many rows it brought. */
  readonly take: (page: RecordsPage, from: string) => number;
  readonly canGrow: () => boolean;
  /** The edge of the window has changed. */
  readonly setEdge: (edge: EdgeState) => void;
}

/** Walks from the place with this id; without one there is nowhere to begin. */
export async function walk({ kind, ask, signal, take, canGrow, setEdge }: Walk, from: string | null): Promise<void> {
  let id = from;
  let added = 0;
  for (let stretches = 0; id !== null; stretches++) {
    if (stretches === MOST_STRETCHES) {
      setEdge({ kind: "exhausted" });
      return;
    }
    setEdge({ kind: "loading", stretches });
    let page: RecordsPage;
    try {
      page = await ask({ kind, id });
    } catch (error) {
      if (!signal.aborted) setEdge({ kind: "failed", failure: failureOf(error) });
      return;
    }
    if (signal.aborted) return;
    added += take(page, id);
    if (added >= ENOUGH_LINES || !page.more || page.scannedTo === null || !canGrow()) {
      setEdge({ kind: !page.more && kind === "before" ? "end" : "idle" });
      return;
    }
    id = page.scannedTo;
  }
}
