/**
 * Where the reader is among the rows: the chosen line, unfolded traces, and what keys do with them. Owns no rows and no
 * scrolling: those are the list's; what is taken away is `useTaking`'s.
 */
import { useTimeoutFn } from "@vueuse/core";
import type { Ref, ShallowRef } from "vue";
import { computed, nextTick, shallowRef } from "vue";
import { isHit, isOfLevels, rowInTime, stepByTime, stepOn, stepTo } from "./find.ts";
import type { TimeRange } from "./histogram.ts";
import type { Action } from "./keys.ts";
import type { Reading } from "./reading.ts";
import { say } from "./say.ts";
import type { Finder } from "./segments.ts";
import type { RecordRow, Row } from "./store.ts";
import type { View } from "./useLogStream.ts";
import { change, settings } from "./useSettings.ts";
import type { Taking } from "./useTaking.ts";
import { useTaking } from "./useTaking.ts";

const MINUTE_MS = 60_000;
const NOTICE_MS = 4000;
/** To look for a hit in all that is held may take longer than a frame: so long at once. */
const SEEK_MS = 8;

/** What is asked of the list. */
export interface ListHandle {
  readonly topKey: number;
  readonly isFollowing: boolean;
  readonly toggle: () => void;
  readonly toNewest: () => void;
  readonly toOldest: () => void;
  readonly reveal: (key: number, align: "nearest" | "center") => void;
}

/** What is asked of the page. */
export interface PageHandle {
  readonly focusQuery: () => void;
  readonly toggleHelp: () => void;
  readonly showContext: (id: string) => void;
  readonly loadOlder: () => void;
}

export interface Reader {
  readonly reading: Readonly<Ref<Reading>>;
  /** The line in the drawer. */
  readonly opened: Readonly<ShallowRef<RecordRow | null>>;
  /** What was just said in answer to a key, or "". */
  readonly notice: Readonly<ShallowRef<string>>;
  readonly act: (action: Action) => void;
  readonly taking: Taking;
  readonly choose: (key: number, isOpening?: boolean) => void;
  /** Chooses all rows from the chosen one to this one. */
  readonly extendTo: (key: number) => void;
  readonly turn: (id: string) => void;
  readonly goToTime: (range: TimeRange) => void;
  readonly close: () => void;
  /** Other rows are shown now. */
  readonly reset: () => void;
}

export function useReader(
  view: Readonly<Ref<View>>,
  list: Readonly<Ref<ListHandle | null>>,
  find: Readonly<Ref<Finder | null>>,
  page: PageHandle,
): Reader {
  const chosenKey = shallowRef<number | null>(null);
  const opened = shallowRef<RecordRow | null>(null);
  const turned = shallowRef<ReadonlySet<string>>(new Set());
  const notice = shallowRef("");
  const { start: forgetNotice } = useTimeoutFn(
    () => {
      notice.value = "";
    },
    NOTICE_MS,
    { immediate: false },
  );

  const taking = useTaking(view, tell);
  const reading = computed<Reading>(() => ({
    chosenKey: chosenKey.value,
    span: taking.span.value,
    marks: taking.marks.value,
    turned: turned.value,
    find: find.value,
  }));

  function tell(words: string): void {
    notice.value = words;
    forgetNotice();
  }

  function chosenRow(): RecordRow | null {
    const row = chosenKey.value === null ? undefined : view.value.rowAt(chosenKey.value);
    return row?.kind === "record" ? row : null;
  }

  function moveTo(key: number | null, align: "nearest" | "center"): void {
    if (key === null) {
      tell(say().noneFurther);
      return;
    }
    taking.choose(null);
    chosenKey.value = key;
    list.value?.reveal(key, align);
    const row = chosenRow();
    if (opened.value !== null && row !== null) opened.value = row;
  }

  /** Where a step begins: the chosen row, else the edge of what is seen from which it comes in. */
  function from(step: 1 | -1): number {
    if (chosenRow() !== null) return chosenKey.value ?? 0;
    // While following, the newest line is the one that the reader looks at.
    if (list.value?.isFollowing === true) return view.value.range.endKey - (step === 1 ? 2 : 0);
    const top = list.value?.topKey ?? view.value.range.firstKey;
    return step === 1 ? top - 1 : top + 1;
  }

  function go(step: 1 | -1, isWanted: (row: Row) => boolean): void {
    arrive(step, stepTo(view.value, from(step), step, isWanted));
  }

  function arrive(step: 1 | -1, key: number | null): void {
    if (key === null && step === -1) page.loadOlder();
    moveTo(key, "center");
  }

  /** Counts what was asked for: who asks for something else looks for a hit no more. */
  let asked = 0;

  function goToHit(step: 1 | -1): void {
    if (find.value === null) tell(say().noHitsAsked);
    else seek(step, isHit(find.value), from(step), asked);
  }

  function seek(step: 1 | -1, isWanted: (row: Row) => boolean, start: number, mine: number): void {
    const untilMs = performance.now() + SEEK_MS;
    const stepped = stepOn(view.value, start, step, isWanted, () => performance.now() < untilMs);
    if (stepped.isOver) arrive(step, stepped.key);
    else
      setTimeout(() => {
        if (mine === asked) seek(step, isWanted, stepped.from, mine);
      }, 0);
  }

  function extendTo(key: number): void {
    const anchorKey = taking.span.value?.anchorKey ?? chosenRow()?.key ?? key;
    chosenKey.value = key;
    taking.choose({ anchorKey, focusKey: key });
  }

  function extend(step: 1 | -1): void {
    const key = stepTo(view.value, from(step), step, isRecord);
    if (key === null) {
      tell(say().noneFurther);
      return;
    }
    extendTo(key);
    list.value?.reveal(key, "nearest");
  }

  function turn(id: string): void {
    const next = new Set(turned.value);
    if (!next.delete(id)) next.add(id);
    turned.value = next;
    const key = view.value.keyOf(id);
    if (key !== undefined) void nextTick(() => list.value?.reveal(key, "nearest"));
  }

  function close(): void {
    if (opened.value !== null) opened.value = null;
    else if (taking.span.value !== null) taking.choose(null);
    else chosenKey.value = null;
  }

  const isMarked = (row: Row): boolean => row.kind === "record" && taking.marked.value.has(row.record.id ?? "");
  const isRecord = (row: Row): boolean => row.kind === "record";
  const isBad = isOfLevels(["error", "fatal"]);
  const isWarning = isOfLevels(["warn"]);
  const ACTS: Readonly<Record<Action, () => void>> = {
    query: page.focusQuery,
    help: page.toggleHelp,
    pause: () => list.value?.toggle(),
    newest: () => list.value?.toNewest(),
    oldest: () => list.value?.toOldest(),
    next: () => {
      moveTo(stepTo(view.value, from(1), 1, isRecord), "nearest");
    },
    previous: () => {
      moveTo(stepTo(view.value, from(-1), -1, isRecord), "nearest");
    },
    nextError: () => {
      go(1, isBad);
    },
    previousError: () => {
      go(-1, isBad);
    },
    nextWarning: () => {
      go(1, isWarning);
    },
    previousWarning: () => {
      go(-1, isWarning);
    },
    nextHit: () => {
      goToHit(1);
    },
    previousHit: () => {
      goToHit(-1);
    },
    mark: () => {
      const row = chosenRow();
      if (row !== null) taking.toggleMark(row);
    },
    nextMark: () => {
      go(1, isMarked);
    },
    previousMark: () => {
      go(-1, isMarked);
    },
    minuteBack: () => {
      moveTo(stepByTime(view.value, from(-1), -MINUTE_MS), "center");
    },
    minuteOn: () => {
      moveTo(stepByTime(view.value, from(1), MINUTE_MS), "center");
    },
    context: () => {
      const id = chosenRow()?.record.id ?? null;
      if (id !== null) page.showContext(id);
    },
    open: () => {
      opened.value = chosenRow();
    },
    copy: () => {
      taking.copy(chosenRow(), "text");
    },
    copyJson: () => {
      taking.copy(chosenRow(), "json");
    },
    extendNext: () => {
      extend(1);
    },
    extendPrevious: () => {
      extend(-1);
    },
    wrap: () => {
      change({ wrap: !settings.value.wrap });
    },
    close,
  };

  return {
    reading,
    opened,
    notice,
    act: (action) => {
      asked += 1;
      ACTS[action]();
    },
    taking,
    extendTo,
    choose: (key, isOpening = true) => {
      asked += 1;
      taking.choose(null);
      chosenKey.value = key;
      if (isOpening) opened.value = chosenRow();
    },
    turn,
    goToTime: (range) => {
      moveTo(rowInTime(view.value, range), "center");
    },
    close,
    reset: () => {
      asked += 1;
      taking.choose(null);
      chosenKey.value = null;
      opened.value = null;
    },
  };
}
