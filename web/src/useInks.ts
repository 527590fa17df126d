/** Colours of the stylesheet for canvases, which know no custom properties; told anew when light turns to dark. */
import { usePreferredDark } from "@vueuse/core";
import type { Ref, ShallowRef } from "vue";
import { shallowRef, watch } from "vue";
import { settings } from "./useSettings.ts";

/** The ink of each child of `swatches`, in their order; a new array whenever the scheme may have changed. */
export function useInks(swatches: Readonly<Ref<HTMLElement | null>>): Readonly<ShallowRef<readonly string[]>> {
  const inks = shallowRef<readonly string[]>([]);
  watch(
    [swatches, usePreferredDark(), () => settings.value.theme],
    () => {
      inks.value = Array.from(swatches.value?.children ?? [], (swatch) => getComputedStyle(swatch).color);
    },
    { flush: "post" },
  );
  return inks;
}
