/** Where the button that leads to the newest line stands over the list: never over the line that is chosen. */
import { useEventListener } from "@vueuse/core";
import type { Ref, ShallowRef } from "vue";
import { shallowRef, watch } from "vue";

const USUAL_PX = 20;
const HEIGHT_PX = 32;
const GAP_PX = 8;

export interface PillOptions {
  readonly scroller: Readonly<Ref<HTMLElement | null>>;
  readonly rows: Readonly<Ref<HTMLElement | null>>;
  readonly isFollowing: Readonly<Ref<boolean>>;
  readonly chosenKey: () => number | null;
  /** Changes when rows come. */
  readonly linesTaken: () => number;
}

/** How far above the lower edge of the list, in pixels. */
export function usePill({
  scroller,
  rows,
  isFollowing,
  chosenKey,
  linesTaken,
}: PillOptions): Readonly<ShallowRef<number>> {
  const bottomPx = shallowRef(USUAL_PX);

  function place(): void {
    bottomPx.value = USUAL_PX;
    // While the list follows there is no pill, and to ask where something stands would have the page laid out.
    if (isFollowing.value || chosenKey() === null) return;
    const chosen = rows.value?.querySelector(".chosen")?.parentElement?.getBoundingClientRect();
    const list = scroller.value?.getBoundingClientRect();
    if (chosen === undefined || list === undefined) return;
    const [above, below] = [list.bottom - chosen.top, list.bottom - chosen.bottom];
    const isInTheWay = above > 0 && below < USUAL_PX + HEIGHT_PX && above < list.height / 2;
    if (isInTheWay) bottomPx.value = Math.round(above) + GAP_PX;
  }

  watch([chosenKey, isFollowing, linesTaken], place, { flush: "post" });
  useEventListener(scroller, "scroll", place, { passive: true });
  return bottomPx;
}
