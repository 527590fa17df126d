/** The reader's settings for all components: one value, kept when it changes, and put on the page's root. */
import { useIntervalFn } from "@vueuse/core";
import { readonly, shallowRef, watchEffect } from "vue";
import { language } from "./say.ts";
import type { Settings } from "./settings.ts";
import { keepSettings, loadSettings } from "./settings.ts";

const current = shallowRef<Settings>(loadSettings());
/** The time that relative times count from, in ms. */
const now = shallowRef(Date.now());

export const settings = readonly(current);
export const clock = readonly(now);

export function change(changes: Partial<Settings>): void {
  current.value = { ...current.value, ...changes };
  keepSettings(current.value);
}

/** Keeps the root element and the clock in step; for the page's outermost component. */
export function useSettingsOnPage(): void {
  watchEffect(() => {
    const { theme, language: wanted } = current.value;
    const root = document.documentElement;
    if (theme === "system") root.removeAttribute("data-theme");
    else root.dataset["theme"] = theme;
    language.value = wanted === "system" ? (navigator.language.startsWith("zh") ? "zh" : "en") : wanted;
    root.lang = language.value === "zh" ? "zh-CN" : "en";
  });
  useIntervalFn(() => {
    if (current.value.time === "relative") now.value = Date.now();
  }, 1000);
}
