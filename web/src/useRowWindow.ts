/**
 * Which rows are drawn and where they stand, so that the line that is being read stays under the eye whatever comes,
 * leaves or turns out higher than thought. Owns the scroll position and whether the list follows its newest line.
 *
 * The number of rows drawn is fixed: a row that leaves gives its elements to one that comes. Heights are read once after
 * each drawing, and the places written once after that, before the browser paints.
 */
import { useEventListener, useResizeObserver } from "@vueuse/core";
import type { Ref, ShallowRef } from "vue";
import { computed, nextTick, onScopeDispose, shallowRef, watch } from "vue";
import { RowHeights } from "./heights.ts";
import type { RowRange } from "./store.ts";

const OVERSCAN_ROWS = 10;
/** In a flood each drawing is of nothing but new rows, and those beyond the edge would be gone before anybody sees them. */
const FLOOD_OVERSCAN_ROWS = 2;
/** So near to the newest line counts as being there: fractions of pixels, and a nudge of the wheel. */
const END_THRESHOLD_PX = 24;
const PADDING_END_PX = 8;
/** After so many drawings all rows around one that was asked for are measured. */
const REVEAL_DRAWINGS = 3;

export interface RowWindow {
  /** The keys that are to be drawn. */
  readonly drawn: Readonly<Ref<RowRange>>;
  /** The row's number among the elements that are drawn again and again. */
  readonly slotOf: (key: number) => number;
  readonly isFollowing: Readonly<ShallowRef<boolean>>;
  /** The row at the upper edge of what is seen. */
  readonly topKey: Readonly<ShallowRef<number>>;
  readonly follow: () => void;
  readonly pause: () => void;
  /** Scrolls as little as it takes to show the row; with `center`, to the middle. */
  readonly reveal: (key: number, align: "nearest" | "center") => void;
  readonly relayout: () => void;
  /** How high the rows from one key up to, not including, another are, as far as it is known. */
  readonly heightBetween: (firstKey: number, endKey: number) => number;
}

interface Drawn extends RowRange {
  /** What a row's number among the elements is counted from. */
  readonly slotShift: number;
}

export interface RowWindowOptions {
  readonly scroller: Readonly<Ref<HTMLElement | null>>;
  readonly sizer: Readonly<Ref<HTMLElement | null>>;
  readonly rows: Readonly<Ref<HTMLElement | null>>;
  readonly range: Readonly<Ref<RowRange>>;
  readonly usualPx: Readonly<Ref<number>>;
  /** What stands above the first row. */
  readonly paddingPx: number;
  /** Whether new lines arrive: only then can the list follow. */
  readonly canFollow: () => boolean;
  /** Whether so many lines come that each drawing is of others. */
  readonly isFlood: () => boolean;
  /** The row that is to stay where it is when all rows are laid out anew. */
  readonly focusKey: () => number | null;
  /** The reader is near an end of what is held. */
  readonly onNearEdge: (edge: "older" | "newer") => void;
}

export function useRowWindow(options: RowWindowOptions): RowWindow {
  const { scroller, sizer, rows, range, usualPx, paddingPx } = options;
  let heights = new RowHeights(usualPx.value);
  const isFollowing = shallowRef(options.canFollow());
  const viewportPx = shallowRef(0);
  /** The row at the upper edge, and how far it is scrolled out. */
  let anchor = { key: range.value.firstKey, offsetPx: 0 };
  const topKey = shallowRef(anchor.key);
  let writtenTop = 0;
  /** The width for which the known heights hold. */
  let laidOutPx = 0;

  const capacity = computed(() => Math.ceil(viewportPx.value / usualPx.value) + 2 * OVERSCAN_ROWS);
  const drawn = computed<Drawn>((before) => {
    const { firstKey, endKey } = range.value;
    const latest = Math.max(firstKey, endKey - capacity.value);
    let start = Math.min(latest, Math.max(firstKey, topKey.value - OVERSCAN_ROWS));
    if (isFollowing.value) {
      const spared = options.isFlood() ? 2 * OVERSCAN_ROWS - FLOOD_OVERSCAN_ROWS : 0;
      start = Math.min(Math.max(firstKey, endKey - 1), latest + spared);
    }
    const end = Math.min(endKey, start + capacity.value);
    if (before === undefined) return { firstKey: start, endKey: end, slotShift: 0 };
    // The same rows as before are the same value: nothing is drawn anew for a step of the wheel.
    if (before.firstKey === start && before.endKey === end) return before;
    // Where no row is the same, all take the places of those before them, or elements would be moved about for nothing.
    const isJump = start >= before.endKey || end <= before.firstKey;
    const slotShift = before.slotShift + (isJump ? start - before.firstKey : 0);
    return { firstKey: start, endKey: end, slotShift };
  });

  function slotOf(key: number): number {
    const slots = capacity.value;
    return (((key - drawn.value.slotShift) % slots) + slots) % slots;
  }

  function offsetOf(key: number): number {
    return paddingPx + heights.between(range.value.firstKey, key);
  }

  function heightBetween(firstKey: number, endKey: number): number {
    return heights.between(firstKey, endKey);
  }

  function setAnchor(scrollTop: number): void {
    const { firstKey, endKey } = range.value;
    const key = heights.keyAt(firstKey, endKey, scrollTop - paddingPx);
    anchor = { key, offsetPx: scrollTop - offsetOf(key) };
    topKey.value = key;
  }

  function measure(): void {
    const { firstKey } = drawn.value;
    const elements = rows.value?.children ?? [];
    // Read all, then write all: a read after a write lays the page out anew.
    Array.from(elements, (element) => element.getBoundingClientRect().height).forEach((heightPx, index) => {
      if (heightPx > 0) heights.set(firstKey + index, heightPx);
    });
  }

  /** Puts the rows, the height and the scroll position where they belong. */
  function place(): void {
    const element = scroller.value;
    if (element === null || sizer.value === null || rows.value === null) return;
    if (element.clientWidth !== laidOutPx) {
      // Before anything is measured: by the new heights nobody could tell any more what was seen where.
      forgetHeights();
      laidOutPx = element.clientWidth;
    }
    measure();
    const { firstKey, endKey } = range.value;
    const totalPx = offsetOf(endKey) + PADDING_END_PX;
    sizer.value.style.height = `${totalPx}px`;
    rows.value.style.transform = `translateY(${offsetOf(drawn.value.firstKey)}px)`;
    if (isFollowing.value) {
      writeScrollTop(element, Math.max(0, totalPx - viewportPx.value));
      return;
    }
    if (anchor.key < firstKey) anchor = { key: firstKey, offsetPx: 0 };
    writeScrollTop(element, offsetOf(anchor.key) + anchor.offsetPx);
    topKey.value = heights.keyAt(firstKey, endKey, writtenTop - paddingPx);
  }

  function writeScrollTop(element: HTMLElement, top: number): void {
    if (Math.abs(element.scrollTop - top) >= 1) element.scrollTop = top;
    writtenTop = element.scrollTop;
  }

  /** Scrolling up stops following, arriving at the end resumes it. Growth of the list alone does neither. */
  function noteScroll(): void {
    const element = scroller.value;
    if (element === null || Math.abs(element.scrollTop - writtenTop) < 1) return;
    const isUp = element.scrollTop < writtenTop;
    writtenTop = element.scrollTop;
    const leftPx = element.scrollHeight - element.scrollTop - element.clientHeight;
    if (isUp && leftPx > 2) pause();
    else if (!isUp && leftPx <= END_THRESHOLD_PX && options.canFollow()) isFollowing.value = true;
    if (!isFollowing.value) setAnchor(element.scrollTop);
    noteEdges(leftPx);
  }

  function noteEdges(leftPx: number): void {
    const nearPx = 2 * viewportPx.value;
    if (!isFollowing.value && writtenTop < nearPx) options.onNearEdge("older");
    if (!isFollowing.value && leftPx < nearPx) options.onNearEdge("newer");
  }

  function pause(): void {
    if (!isFollowing.value) return;
    measure();
    const element = scroller.value;
    setAnchor(element === null ? 0 : element.scrollTop);
    isFollowing.value = false;
  }

  function follow(): void {
    if (options.canFollow()) isFollowing.value = true;
  }

  function reveal(key: number, align: "nearest" | "center"): void {
    const element = scroller.value;
    const { firstKey, endKey } = range.value;
    if (element === null || key < firstKey || key >= endKey) return;
    pause();
    // Rows around it, and the row itself, turn out higher than thought once they are drawn, and others are drawn then.
    const settle = (drawings: number): void => {
      anchor = { key, offsetPx: -wantedTop(element, key, align) };
      topKey.value = heights.keyAt(firstKey, endKey, offsetOf(key) + anchor.offsetPx - paddingPx);
      void nextTick(() => {
        place();
        if (drawings > 1) settle(drawings - 1);
        else {
          setAnchor(element.scrollTop);
          noteEdges(element.scrollHeight - element.scrollTop - element.clientHeight);
        }
      });
    };
    settle(REVEAL_DRAWINGS);
  }

  /** How far below the upper edge the row is to stand. */
  function wantedTop(element: HTMLElement, key: number, align: "nearest" | "center"): number {
    const roomPx = Math.max(0, element.clientHeight - heights.of(key));
    if (align === "center") return roomPx / 2;
    return Math.min(Math.max(0, offsetOf(key) - element.scrollTop), roomPx);
  }

  /** All rows are laid out anew; what has the reader's attention stays where it is seen. */
  function forgetHeights(): void {
    const key = options.focusKey();
    if (key !== null && key >= drawn.value.firstKey && key < drawn.value.endKey) {
      const seenPx = offsetOf(key) - writtenTop;
      if (seenPx > -usualPx.value && seenPx < viewportPx.value) anchor = { key, offsetPx: -Math.max(0, seenPx) };
    }
    heights = new RowHeights(usualPx.value);
  }

  function relayout(): void {
    forgetHeights();
    void nextTick(place);
  }

  watch(
    [range, drawn, isFollowing],
    () => {
      heights.keep(range.value.firstKey, range.value.endKey);
      place();
    },
    { flush: "post" },
  );
  watch(usualPx, relayout);
  // A trace that was unfolded, a line that is shown as a whole.
  useResizeObserver(rows, place);
  useResizeObserver(scroller, () => {
    viewportPx.value = scroller.value?.clientHeight ?? 0;
    place();
  });
  watch(scroller, (element) => {
    viewportPx.value = element?.clientHeight ?? 0;
  });
  useEventListener(scroller, "scroll", noteScroll, { passive: true });
  // A selection that has begun must not run away from under the pointer.
  useEventListener(document, "selectionchange", () => {
    const selection = document.getSelection();
    if (selection === null || selection.isCollapsed || selection.anchorNode === null) return;
    if (scroller.value?.contains(selection.anchorNode) === true) pause();
  });
  onScopeDispose(() => {
    isFollowing.value = false;
  });

  return { drawn, slotOf, isFollowing, topKey, follow, pause, reveal, relayout, heightBetween };
}
