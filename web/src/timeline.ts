/**
 * The part of the log that the page holds, and what keeps it true: the live stream at its new end, pages of the past at
 * its old one. Owns when which of them is asked; no DOM, no Vue, no drawing.
 *
 * While somebody reads (`hold`), nothing that is held leaves. Once there is no room for more, the stream is closed: the
 * window is then a stretch of the past like any other, grows at both ends on demand, and joins the stream again where
 * the past reaches the present. Nothing is missing in between and nothing comes twice: an id is a place in the files.
 */
import type { RecordsPage } from "./answers.ts";
import { CompletenessAccount } from "./completeness.ts";
import type { EdgeState } from "./edges.ts";
import type { Environment } from "./environment.ts";
import type { FetchPage, Place } from "./history.ts";
import type { WireEvent } from "./protocol.ts";
import type { Selection } from "./selection.ts";
import type { Bounds } from "./store.ts";
import { RowStore } from "./store.ts";
import type { StreamState } from "./stream.ts";
import { LogStream } from "./stream.ts";
import { say } from "./say.ts";

/** How many of the last matching lines a page begins with. */
export const BACKLOG_LINES = 500;
export const PAGE_LINES = 500;
/** So many more are worth a stop: a screen of them. */
const ENOUGH_LINES = 100;
/** A rare query may find nothing in many stretches; after so many the reader is asked whether to go on. */
const MOST_STRETCHES = 40;

export interface TimelineListener {
  readonly onState: (state: StreamState) => void;
  /** Rows or edges have changed. */
  readonly onChange: () => void;
  /** What may have changed the list of sources: connections, files that came and went. */
  readonly onSources: () => void;
}

export class Timeline {
  readonly completeness = new CompletenessAccount();
  readonly #selection: Selection;
  readonly #listener: TimelineListener;
  readonly #environment: Environment;
  readonly #fetchPage: FetchPage;
  readonly #store: RowStore;
  readonly #controller = new AbortController();
  #stream: LogStream | null = null;
  #older: EdgeState = { kind: "idle" };
  #newer: EdgeState = { kind: "idle" };
  #isHeld = false;
  #gaps = 0;
  /** Where the live part began: the backlog before it is ordered by time, the past in the order of recording. */
  #liveFrom: string | null = null;
  #backlogEndKey: number | null = null;
  #newestScanned: string | null = null;
  /** Where the last page of the past ended, and the first row at that moment. */
  #scanned: { readonly id: string; readonly firstKey: number } | null = null;

  constructor(
    selection: Selection,
    listener: TimelineListener,
    environment: Environment,
    fetchPage: FetchPage,
    bounds?: Bounds,
  ) {
    this.#selection = selection;
    this.#listener = listener;
    this.#environment = environment;
    this.#fetchPage = fetchPage;
    this.#store = new RowStore(bounds);
  }

  get store(): RowStore {
    return this.#store;
  }

  get older(): EdgeState {
    return this.#older;
  }

  get newer(): EdgeState {
    return this.#newer;
  }

  /** Whether new lines arrive by themselves. */
  get isAttached(): boolean {
    return this.#stream !== null;
  }

  /** Gaps that the stream has reported since it began. */
  get gaps(): number {
    return this.#gaps;
  }

  /** Begins with the last lines, and goes on live. */
  openLive(): void {
    this.#attach(null);
  }

  /** Begins with the line that `id` names and what surrounds it. Raises HistoryError. */
  async openAround(id: string): Promise<void> {
    const page = await this.#fetchPage(this.#selection, { kind: "around", id }, PAGE_LINES, this.#controller.signal);
    this.#store.addRecordsHeld(page.records);
    if (page.scannedFrom !== null) this.#scanned = { id: page.scannedFrom, firstKey: this.#store.range.firstKey };
    this.#listener.onChange();
  }

  close(): void {
    this.#controller.abort();
    this.#stream?.close();
    this.#stream = null;
  }

  /** While held, no row leaves. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
  }

  wake(): void {
    this.#stream?.wake();
  }

  refresh(): void {
    this.#stream?.refresh();
  }

  suspend(): void {
    this.#stream?.suspend();
  }

  /** Asks for what lies before the oldest row. */
  async loadOlder(): Promise<void> {
    if (this.#older.kind === "loading" || this.#older.kind === "end") return;
    await this.#walk("before", (state) => {
      this.#older = state;
    });
  }

  /** Asks for what lies after the newest row, while no stream brings it; where that is nothing more, the stream does. */
  async loadNewer(): Promise<void> {
    if (this.isAttached || this.#newer.kind === "loading") return;
    await this.#walk("after", (state) => {
      this.#newer = state;
    });
  }

  async #walk(kind: "before" | "after", setEdge: (state: EdgeState) => void): Promise<void> {
    let id = kind === "before" ? this.#oldestPlace() : this.#newestPlace();
    let added = 0;
    for (let stretches = 0; id !== null; stretches++) {
      if (stretches === MOST_STRETCHES) {
        setEdge({ kind: "exhausted" });
        break;
      }
      setEdge({ kind: "loading", stretches });
      this.#listener.onChange();
      const page = await this.#ask({ kind, id }, setEdge);
      if (page === null) break;
      added += kind === "before" ? this.#takeOlder(page, id) : this.#takeNewer(page, id);
      if (added >= ENOUGH_LINES || !page.more || page.scannedTo === null || !this.#canGrow(kind)) {
        setEdge({ kind: !page.more && kind === "before" ? "end" : "idle" });
        break;
      }
      id = page.scannedTo;
    }
    this.#listener.onChange();
  }

  #canGrow(kind: "before" | "after"): boolean {
    return kind === "before" || !this.isAttached;
  }

  async #ask(place: Place, setEdge: (state: EdgeState) => void): Promise<RecordsPage | null> {
    const { signal } = this.#controller;
    try {
      const page = await this.#fetchPage(this.#selection, place, PAGE_LINES, signal);
      return signal.aborted ? null : page;
    } catch (error) {
      if (signal.aborted) return null;
      const status = error instanceof Error && "status" in error ? Number(error.status) : 0;
      setEdge({ kind: "failed", why: error instanceof Error ? error.message : String(error), status });
      return null;
    }
  }

  #takeOlder(page: RecordsPage, from: string): number {
    const { added, dropped } = this.#store.prepend(page.records, page.gaps);
    this.#scanned = { id: page.scannedTo ?? from, firstKey: this.#store.range.firstKey };
    if (dropped > 0) this.#detach();
    return added;
  }

  #takeNewer(page: RecordsPage, from: string): number {
    const before = this.#store.range.endKey;
    for (const gap of page.gaps) {
      this.#store.addGap(gap);
      this.completeness.noteGap(gap, this.#environment.wallClock());
    }
    this.#store.addRecords(page.records);
    this.#newestScanned = page.scannedTo ?? from;
    this.#noteTrim();
    if (!page.more) this.#attach(this.#newestScanned);
    return this.#store.range.endKey - before;
  }

  #attach(cursor: string | null): void {
    this.#newer = { kind: "idle" };
    if (cursor !== null) {
      this.#backlogEndKey ??= Number.NEGATIVE_INFINITY;
      this.completeness.noteAttached();
    }
    const options = { selection: this.#selection, from: `-${BACKLOG_LINES}`, cursor };
    const stream = new LogStream(
      options,
      {
        onEvent: (event) => {
          if (this.#stream === stream) this.#take(event);
        },
        onState: (state) => {
          if (this.#stream === stream) this.#noteState(state);
        },
      },
      this.#environment,
    );
    this.#stream = stream;
    stream.start();
  }

  #detach(): void {
    this.#stream?.close();
    this.#stream = null;
    this.#newestScanned = null;
    this.#listener.onState({ kind: "suspended" });
  }

  #noteState(state: StreamState): void {
    this.#noteLiveFrom();
    this.#listener.onState(state);
  }

  /** The first cursor stands behind the backlog. */
  #noteLiveFrom(): void {
    const cursor = this.#stream?.cursor ?? null;
    if (this.#liveFrom !== null || cursor === null || this.#backlogEndKey !== null) return;
    this.#liveFrom = cursor;
    this.#backlogEndKey = this.#store.range.endKey;
  }

  #take(event: WireEvent): void {
    this.#noteLiveFrom();
    this.completeness.note(event, this.#environment.wallClock());
    switch (event.kind) {
      case "records":
        if (!this.#isHeld) this.#store.addRecords(event.records);
        else if (this.#store.isFull) this.#detach();
        else this.#store.addRecordsHeld(event.records);
        break;
      case "gap":
        this.#gaps += 1;
        this.#store.addGap(event.gap);
        break;
      case "file":
        this.#listener.onSources();
        this.#store.addNotice("quiet", say().fileChangeInWords(event.change));
        break;
      case "hello": {
        this.#listener.onSources();
        const notice = say().resumeInWords(event.hello.resume, (this.#stream?.cursor ?? null) !== null);
        if (notice !== null) this.#store.addNotice("warning", notice);
        break;
      }
      case "ping":
      case "bye":
      case "unknown":
        break;
    }
    this.#noteTrim();
    this.#listener.onChange();
  }

  /** What has left at the old end can be had again. */
  #noteTrim(): void {
    if (this.#scanned !== null && this.#scanned.firstKey < this.#store.range.firstKey) this.#scanned = null;
    if (this.#scanned === null && this.#older.kind === "end") this.#older = { kind: "idle" };
  }

  #oldestPlace(): string | null {
    this.#noteLiveFrom();
    if (this.#scanned !== null) return this.#scanned.id;
    const { firstKey } = this.#store.range;
    if (this.#liveFrom !== null && this.#backlogEndKey !== null && firstKey < this.#backlogEndKey)
      return this.#liveFrom;
    return this.#store.firstId(firstKey, 1) ?? this.#liveFrom;
  }

  #newestPlace(): string | null {
    return this.#newestScanned ?? this.#store.firstId(this.#store.range.endKey - 1, -1);
  }
}
