/**
 * The part of the log that the page holds, and what keeps it true: the live stream at its new end, pages of the past at
 * its old one. Owns when which of them is asked; no DOM, no Vue, no drawing.
 *
 * While somebody reads (`hold`), nothing that is held leaves. Before long, or once there is no room for more, the stream
 * is let go: the window is then a stretch of the past like any other, grows at both ends on demand, and joins the stream
 * again where the past reaches the present. Nothing is missing in between and nothing comes twice: an id is a place in
 * the files.
 */
import type { RecordsPage } from "./answers.ts";
import { CompletenessAccount } from "./completeness.ts";
import type { EdgeState } from "./edges.ts";
import type { Environment } from "./environment.ts";
import type { FetchPage } from "./history.ts";
import type { WireEvent } from "./protocol.ts";
import type { Selection } from "./selection.ts";
import type { Bounds } from "./store.ts";
import { RowStore } from "./store.ts";
import type { OpenStream, Stream, StreamState } from "./stream.ts";
import { BACKLOG_LINES, LogStream } from "./stream.ts";
import { walk } from "./walk.ts";

export const PAGE_LINES = 500;

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
  readonly #openStream: OpenStream;
  #stream: Stream | null = null;
  /** The stream was let go, and all that it brought is held: it can go on where it was. */
  #isReleased = false;
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
    openStream: OpenStream = (options, told) => new LogStream(options, told, environment),
  ) {
    this.#selection = selection;
    this.#listener = listener;
    this.#environment = environment;
    this.#fetchPage = fetchPage;
    this.#store = new RowStore(bounds);
    this.#openStream = openStream;
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

  /** What brings new lines, for those who know of network and visibility. */
  get stream(): Stream | null {
    return this.#stream;
  }

  /** Whether new lines arrive by themselves. */
  get isAttached(): boolean {
    return this.#stream !== null;
  }

  /** Whether `resume` goes on where the stream was let go. */
  get canResume(): boolean {
    return this.#isReleased;
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
    this.#stream?.hold(isHeld);
  }

  /** Goes on live where the stream was let go: what was written since then comes first. */
  resume(): void {
    if (this.#isReleased && !this.isAttached) this.#attach(this.#newestPlace());
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

  async #walk(kind: "before" | "after", setEdge: (edge: EdgeState) => void): Promise<void> {
    const { signal } = this.#controller;
    await walk(
      {
        kind,
        signal,
        ask: (place) => this.#fetchPage(this.#selection, place, PAGE_LINES, signal),
        take: (page, from) => (kind === "before" ? this.#takeOlder(page, from) : this.#takeNewer(page, from)),
        canGrow: () => kind === "before" || !this.isAttached,
        setEdge: (edge) => {
          setEdge(edge);
          this.#listener.onChange();
        },
      },
      kind === "before" ? this.#oldestPlace() : this.#newestPlace(),
    );
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
    this.#isReleased = false;
    if (cursor !== null) {
      this.#backlogEndKey ??= Number.NEGATIVE_INFINITY;
      this.completeness.noteAttached();
    }
    const options = { selection: this.#selection, from: `-${BACKLOG_LINES}`, cursor };
    const stream = this.#openStream(options, {
      onEvent: (event) => {
        if (this.#stream === stream) this.#take(event);
      },
      onState: (state) => {
        if (this.#stream === stream) this.#noteState(state);
      },
      onReleased: () => {
        if (this.#stream === stream) this.#release();
      },
    });
    this.#stream = stream;
    stream.start();
    stream.hold(this.#isHeld);
  }

  #release(): void {
    const cursor = this.#stream?.cursor ?? null;
    this.#detach();
    this.#newestScanned = cursor;
    this.#isReleased = true;
    this.#listener.onChange();
  }

  /** What comes after the newest row is no more held, or was never. */
  #detach(): void {
    this.#stream?.close();
    this.#stream = null;
    this.#newestScanned = null;
    this.#isReleased = false;
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
        else if (this.#store.isFull) this.#release();
        else this.#store.addRecordsHeld(event.records);
        break;
      case "gap":
        this.#gaps += 1;
        this.#store.addGap(event.gap);
        break;
      case "file":
        this.#listener.onSources();
        this.#store.addNotice({ kind: "file", change: event.change });
        break;
      case "hello": {
        this.#listener.onSources();
        const { resume } = event.hello;
        const isResumed = (this.#stream?.cursor ?? null) !== null;
        if (!resume.exact && (isResumed || resume.reason !== null)) this.#store.addNotice({ kind: "resume", resume });
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
