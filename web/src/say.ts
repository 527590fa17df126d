/** The words of the page in the language that the reader has chosen. */
import { shallowRef } from "vue";
import type { Words } from "./words/en.ts";
import { en } from "./words/en.ts";
import { zh } from "./words/zh.ts";

const CATALOGUES = { en, zh } as const satisfies Record<string, Words>;
export type Language = keyof typeof CATALOGUES;

export const language = shallowRef<Language>("en");

export function say(): Words {
  return CATALOGUES[language.value];
}
