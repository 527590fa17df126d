/**
 * Lines chosen together or marked, and what is taken away of them. Owns the span between two rows and the marks; which row
 * keys are at is the reader's.
 */
import type { Ref, ShallowRef } from "vue";
import { computed, shallowRef } from "vue";
import type { CopyForm, KeySpan } from "./copying.ts";
import { countLines, rowsIn, written } from "./copying.ts";
import { aloneOf } from "./packed.ts";
import { say } from "./say.ts";
import type { RecordRow } from "./store.ts";
import { spanText } from "./times.ts";
import type { View } from "./useLogStream.ts";

export interface Taking {
  readonly span: Readonly<ShallowRef<KeySpan | null>>;
  /** How many lines are in the span. */
  readonly lines: Readonly<ShallowRef<number>>;
  /** The marked rows by id, in the order of their times; they stay when they are no more held. */
  readonly marked: Readonly<Ref<ReadonlyMap<string, RecordRow>>>;
  /** By id, how long after the mark before. */
  readonly marks: Readonly<Ref<ReadonlyMap<string, string>>>;
  readonly choose: (span: KeySpan | null) => void;
  readonly toggleMark: (row: RecordRow) => void;
  readonly unmark: () => void;
  /** Copies what is in the span, else this row. */
  readonly copy: (row: RecordRow | null, form: CopyForm) => void;
  readonly copyMarked: (form: CopyForm) => void;
}

export function useTaking(view: Readonly<Ref<View>>, tell: (words: string) => void): Taking {
  const span = shallowRef<KeySpan | null>(null);
  const lines = shallowRef(0);
  const marked = shallowRef<ReadonlyMap<string, RecordRow>>(new Map());

  const marks = computed(() => {
    const times = [...marked.value.values()].map(timeOf);
    return new Map(
      [...marked.value.keys()].map((id, index) => {
        const [before = null, here = null] = [times[index - 1], times[index]];
        return [id, here === null || before === null ? "" : `+${spanText(here - before)}`] as const;
      }),
    );
  });

  function choose(next: KeySpan | null): void {
    span.value = next;
    lines.value = next === null ? 0 : countLines(rowsIn(view.value, next));
  }

  function toggleMark(row: RecordRow): void {
    const { id } = row.record;
    if (id === null) return;
    const next = new Map(marked.value);
    if (!next.delete(id)) next.set(id, { ...row, record: aloneOf(row.record), tail: row.tail.map(aloneOf) });
    marked.value = new Map([...next].sort(([, one], [, other]) => (timeOf(one) ?? 0) - (timeOf(other) ?? 0)));
  }

  function take(rows: readonly RecordRow[], form: CopyForm): void {
    if (rows.length === 0) return;
    const count = countLines(rows);
    navigator.clipboard.writeText(written(rows, form)).then(
      () => {
        tell(count === 1 ? say().copied : say().copiedLines(count));
      },
      () => {
        tell(say().copyFailed);
      },
    );
  }

  return {
    span,
    lines,
    marked,
    marks,
    choose,
    toggleMark,
    unmark: () => {
      marked.value = new Map();
    },
    copy: (row, form) => {
      if (span.value !== null) take(rowsIn(view.value, span.value), form);
      else if (row !== null) take([row], form);
    },
    copyMarked: (form) => {
      take([...marked.value.values()], form);
    },
  };
}

function timeOf({ record }: RecordRow): number | null {
  const timeMs = Date.parse(record.time ?? "");
  return Number.isNaN(timeMs) ? null : timeMs;
}
