/**
 * A column that is dragged by its head to another place: it is moved when it is let go, and until then a mark stands
 * where it would go. Owns the pointer for as long as that lasts; the order of the columns is its caller's.
 */
import { useEventListener } from "@vueuse/core";
import type { Ref, ShallowRef } from "vue";
import { readonly, shallowRef } from "vue";

/** So far the pointer may slip in a click. */
const SLIP_PX = 5;

export interface Drag {
  readonly name: string;
  /** Where it would go now, as a place among all columns. */
  readonly place: number;
}

export interface ColumnDrag {
  /** Null while nothing is dragged. */
  readonly drag: Readonly<ShallowRef<Drag | null>>;
  readonly begin: (event: PointerEvent, name: string) => void;
}

/** `heads` are the elements of the columns, in any order, each with its name as `data-column`. */
export function useColumnDrag(
  heads: Readonly<Ref<readonly HTMLElement[] | null>>,
  names: () => readonly string[],
  onMove: (name: string, place: number) => void,
): ColumnDrag {
  const drag = shallowRef<Drag | null>(null);
  let grabbed: { readonly name: string; readonly x: number; readonly y: number } | null = null;

  function begin(event: PointerEvent, name: string): void {
    if (event.button !== 0) return;
    grabbed = { name, x: event.clientX, y: event.clientY };
  }

  /** How many of the other columns stand before the pointer; on a phone they stand in several lines. */
  function placeAt({ clientX, clientY }: PointerEvent, name: string): number {
    const others = (heads.value ?? []).filter(({ dataset }) => dataset["column"] !== name);
    return others.filter((head) => {
      const { left, width, top, bottom } = head.getBoundingClientRect();
      return bottom <= clientY || (top <= clientY && left + width / 2 < clientX);
    }).length;
  }

  useEventListener(document, "pointermove", (event) => {
    if (grabbed === null) return;
    const { name, x, y } = grabbed;
    if (drag.value === null && Math.hypot(event.clientX - x, event.clientY - y) < SLIP_PX) return;
    // A text selection would follow the pointer.
    event.preventDefault();
    drag.value = { name, place: placeAt(event, name) };
  });
  useEventListener(document, "pointerup", () => {
    const dropped = drag.value;
    end();
    if (dropped !== null && names().indexOf(dropped.name) !== dropped.place) onMove(dropped.name, dropped.place);
  });
  useEventListener(document, "pointercancel", end);
  useEventListener(document, "keydown", (event) => {
    if (event.key !== "Escape" || drag.value === null) return;
    event.preventDefault();
    event.stopPropagation();
    end();
  });

  function end(): void {
    grabbed = null;
    drag.value = null;
  }

  return { drag: readonly(drag), begin };
}
