/**
 * The stream for the page's components: rows, state and what the server said, refreshed once a frame. Owns the life of
 * the stream (one for each selection) and hands it what the browser tells about network and visibility.
 */
import { useEventListener } from "@vueuse/core";
import type { ShallowRef } from "vue";
import { onScopeDispose, shallowRef } from "vue";
import { browserEnvironment } from "./environment.ts";
import { FrameFlush } from "./frames.ts";
import type { WireEvent } from "./protocol.ts";
import type { Selection } from "./selection.ts";
import type { Row, RowRange } from "./store.ts";
import { RowStore } from "./store.ts";
import type { StreamState } from "./stream.ts";
import { LogStream } from "./stream.ts";
import { fileChangeInWords, resumeInWords } from "./words.ts";

/** How many of the last matching lines a page begins with. */
const BACKLOG_LINES = 500;

/** What a component may draw: the rows of one moment. A new object at each flush. */
export interface View {
  readonly range: RowRange;
  readonly rowAt: (key: number) => Row | undefined;
  /** Gaps that the stream has reported since it began. */
  readonly gaps: number;
}

export interface LogStreamView {
  readonly view: Readonly<ShallowRef<View>>;
  readonly state: Readonly<ShallowRef<StreamState>>;
  /** Counts what may have changed the list of sources: connections, files that came and went. */
  readonly sourcesVersion: Readonly<ShallowRef<number>>;
  /** Ends the running stream, forgets its rows and begins anew. */
  readonly open: (selection: Selection) => void;
}

export function useLogStream(): LogStreamView {
  let store = new RowStore();
  let stream: LogStream | null = null;
  let gaps = 0;
  const view = shallowRef<View>(viewOf(store, gaps));
  const state = shallowRef<StreamState>({ kind: "connecting" });
  const sourcesVersion = shallowRef(0);
  const frames = new FrameFlush(() => {
    view.value = viewOf(store, gaps);
  });

  function take(event: WireEvent): void {
    switch (event.kind) {
      case "records":
        store.addRecords(event.records);
        break;
      case "gap":
        gaps += 1;
        store.addGap(event.gap);
        break;
      case "file":
        sourcesVersion.value += 1;
        store.addNotice("quiet", fileChangeInWords(event.change));
        break;
      case "hello": {
        sourcesVersion.value += 1;
        const notice = resumeInWords(event.hello.resume, (stream?.cursor ?? null) !== null);
        if (notice !== null) store.addNotice("warning", notice);
        break;
      }
      case "ping":
      case "bye":
      case "unknown":
        break;
    }
    frames.request();
  }

  function open(selection: Selection): void {
    stream?.close();
    store = new RowStore();
    gaps = 0;
    frames.cancel();
    view.value = viewOf(store, gaps);
    const listener = {
      onEvent: take,
      onState: (next: StreamState) => {
        state.value = next;
      },
    };
    stream = new LogStream({ selection, from: `-${BACKLOG_LINES}` }, listener, browserEnvironment);
    stream.start();
  }

  useEventListener(window, "online", () => stream?.wake());
  useEventListener(window, "pagehide", () => stream?.suspend());
  useEventListener(window, "pageshow", (event) => {
    if (event.persisted) stream?.wake();
  });
  useEventListener(document, "visibilitychange", () => {
    if (document.visibilityState === "visible") stream?.refresh();
  });
  onScopeDispose(() => {
    frames.cancel();
    stream?.close();
  });

  return { view, state, sourcesVersion, open };
}

function viewOf(store: RowStore, gaps: number): View {
  return { range: store.range, rowAt: (key) => store.at(key), gaps };
}
