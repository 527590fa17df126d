/** The columns that rows have, as wide as it takes; a new width only while nothing is read. */
import { useThrottleFn } from "@vueuse/core";
import type { InjectionKey, Ref, ShallowRef } from "vue";
import { inject, shallowRef, watch } from "vue";
import type { Column } from "./columns.ts";
import { columnsFor } from "./columns.ts";
import type { View } from "./useLogStream.ts";

const MEASURE_MS = 1000;

/** Where rows find the columns: each of thousands would hand them down otherwise. */
export const COLUMNS_KEY: InjectionKey<Readonly<ShallowRef<readonly Column[]>>> = Symbol("columns");

const NONE: Readonly<ShallowRef<readonly Column[]>> = shallowRef([]);

export function injectColumns(): Readonly<ShallowRef<readonly Column[]>> {
  return inject(COLUMNS_KEY, NONE);
}

/** `canMove` says whether lines may be laid out anew, for nobody reads them. */
export function useColumns(
  names: Readonly<Ref<readonly string[]>>,
  view: Readonly<Ref<View>>,
  canMove: () => boolean,
): Readonly<ShallowRef<readonly Column[]>> {
  const columns = shallowRef<readonly Column[]>([]);

  function measure(): void {
    const next = columnsFor(names.value, view.value, columns.value);
    if (JSON.stringify(next) !== JSON.stringify(columns.value)) columns.value = next;
  }

  const measureLater = useThrottleFn(
    () => {
      if (names.value.length > 0 && canMove()) measure();
    },
    MEASURE_MS,
    true,
  );
  watch(names, measure, { immediate: true });
  watch(view, ({ range }, before) => {
    // The first lines: nobody has read any yet.
    if (before.range.endKey === before.range.firstKey && range.endKey > range.firstKey) measure();
    else void measureLater();
  });
  return columns;
}
