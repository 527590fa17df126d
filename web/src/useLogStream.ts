/**
 * The timeline for the page's components: rows, state and edges, refreshed once a frame. Owns the life of the timeline
 * (one for each selection) and hands it what the browser tells about network and visibility.
 */
import { useEventListener } from "@vueuse/core";
import type { ShallowRef } from "vue";
import { onScopeDispose, shallowRef } from "vue";
import type { Completeness } from "./completeness.ts";
import { browserEnvironment } from "./environment.ts";
import { FrameFlush } from "./frames.ts";
import { fetchPage } from "./history.ts";
import type { RateMeter } from "./rates.ts";
import type { Selection } from "./selection.ts";
import type { TimeCounts } from "./histogram.ts";
import type { LevelName } from "./levels.ts";
import type { Row, RowRange } from "./store.ts";
import type { StreamState } from "./stream.ts";
import type { EdgeState } from "./edges.ts";
import { openStream } from "./openStream.ts";
import { Timeline } from "./timeline.ts";

/** So many new lines between two frames are more than a screen holds. */
const FLOOD_ROWS = 60;

/** What a component may draw: the rows of one moment. A new object at each flush. */
export interface View {
  readonly range: RowRange;
  readonly rowAt: (key: number) => Row | undefined;
  readonly keyOf: (id: string) => number | undefined;
  /** Of the rows that need eyes, as they are now. */
  readonly loudKeys: () => readonly number[];
  /** Gaps that the stream has reported since it began. */
  readonly gaps: number;
  /** Lines that have come at the new end since the beginning. */
  readonly linesTaken: number;
  readonly levels: ReadonlyMap<LevelName, number>;
  /** As they are now, not as they were at the flush. */
  readonly times: TimeCounts;
  readonly completeness: Completeness;
  /** As they are now, too. */
  readonly rates: RateMeter;
  readonly older: EdgeState;
  readonly newer: EdgeState;
  /** Whether new lines arrive by themselves. */
  readonly isAttached: boolean;
  /** Whether `resume` goes on where the stream was let go. */
  readonly canResume: boolean;
  /** Whether more lines have come at once than a screen holds. */
  readonly isFlood: boolean;
}

export interface LogStreamView {
  readonly view: Readonly<ShallowRef<View>>;
  readonly state: Readonly<ShallowRef<StreamState>>;
  /** Counts what may have changed the list of sources: connections, files that came and went. */
  readonly sourcesVersion: Readonly<ShallowRef<number>>;
  /** Ends the running timeline, forgets its rows and begins anew with the last lines. */
  readonly open: (selection: Selection) => void;
  /** As `open`, with the line of this id and its surroundings. Raises HistoryError. */
  readonly openAround: (selection: Selection, id: string) => Promise<void>;
  readonly hold: (isHeld: boolean) => void;
  /** Goes on live where the stream was let go. */
  readonly resume: () => void;
  readonly loadOlder: () => void;
  readonly loadNewer: () => void;
}

export function useLogStream(): LogStreamView {
  const state = shallowRef<StreamState>({ kind: "connecting" });
  const sourcesVersion = shallowRef(0);
  const frames = new FrameFlush(() => {
    const isFlood = timeline.store.range.endKey - view.value.range.endKey > FLOOD_ROWS;
    view.value = viewOf(timeline, isFlood);
    return isFlood;
  });

  function begin(selection: Selection): Timeline {
    const fresh: Timeline = new Timeline(
      selection,
      {
        onState: (next) => {
          if (fresh === timeline) state.value = next;
        },
        onChange: () => {
          if (fresh === timeline) frames.request();
        },
        onSources: () => {
          sourcesVersion.value += 1;
        },
      },
      browserEnvironment,
      fetchPage,
      undefined,
      openStream,
    );
    return fresh;
  }

  function replace(selection: Selection): void {
    timeline.close();
    frames.cancel();
    timeline = begin(selection);
    state.value = { kind: "connecting" };
  }

  let timeline = begin({ query: "", sources: [] });
  const view = shallowRef<View>(viewOf(timeline));

  function open(selection: Selection): void {
    replace(selection);
    timeline.openLive();
    view.value = viewOf(timeline);
  }

  async function openAround(selection: Selection, id: string): Promise<void> {
    replace(selection);
    view.value = viewOf(timeline);
    const mine = timeline;
    await mine.openAround(id);
    if (mine !== timeline) return;
    state.value = { kind: "suspended" };
    view.value = viewOf(timeline);
  }

  useEventListener(window, "online", () => {
    timeline.stream?.wake();
  });
  useEventListener(window, "pagehide", () => {
    timeline.stream?.suspend();
  });
  useEventListener(window, "pageshow", (event) => {
    if (event.persisted) timeline.stream?.wake();
  });
  useEventListener(document, "visibilitychange", () => {
    if (document.visibilityState === "visible") timeline.stream?.refresh();
    else timeline.stream?.hide();
  });
  onScopeDispose(() => {
    frames.cancel();
    timeline.close();
  });

  return {
    view,
    state,
    sourcesVersion,
    open,
    openAround,
    hold: (isHeld) => {
      timeline.hold(isHeld);
    },
    resume: () => {
      timeline.resume();
      view.value = viewOf(timeline);
    },
    loadOlder: () => void timeline.loadOlder(),
    loadNewer: () => void timeline.loadNewer(),
  };
}

function viewOf(timeline: Timeline, isFlood = false): View {
  const { store } = timeline;
  return {
    range: store.range,
    rowAt: (key) => store.at(key),
    keyOf: (id) => store.keyOf(id),
    loudKeys: () => store.loudKeys,
    gaps: timeline.gaps,
    linesTaken: store.linesTaken,
    levels: new Map(store.levels),
    times: store.times,
    completeness: timeline.completeness.told,
    rates: timeline.completeness.rates,
    older: timeline.older,
    newer: timeline.newer,
    isAttached: timeline.isAttached,
    canResume: timeline.canResume,
    isFlood,
  };
}
