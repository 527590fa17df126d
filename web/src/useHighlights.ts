/** The colours that rules give to lines, by the rule's name; without an answer no line has one. */
import type { InjectionKey, ShallowRef } from "vue";
import { inject, onScopeDispose, shallowRef } from "vue";
import type { Highlight } from "./protocol.ts";
import { parseHighlights } from "./answers.ts";

export type Highlights = ReadonlyMap<string, Highlight>;

/** Where rows find the colours: each of thousands would hand them down otherwise. */
export const HIGHLIGHTS_KEY: InjectionKey<Readonly<ShallowRef<Highlights>>> = Symbol("highlights");

const NONE: Readonly<ShallowRef<Highlights>> = shallowRef(new Map());

export interface HighlightsView {
  readonly highlights: Readonly<ShallowRef<Highlights>>;
  /** Asks again; an answer to an earlier question is dropped. What was known stays until the new answer. */
  readonly reload: () => Promise<void>;
}

export function useHighlights(): HighlightsView {
  const highlights = shallowRef<Highlights>(new Map());
  let controller = new AbortController();

  async function reload(): Promise<void> {
    controller.abort();
    controller = new AbortController();
    const { signal } = controller;
    const answer = await fetchHighlights(signal);
    if (!signal.aborted && answer !== null) highlights.value = answer;
  }

  onScopeDispose(() => {
    controller.abort();
  });
  return { highlights, reload };
}

export function injectHighlights(): Readonly<ShallowRef<Highlights>> {
  return inject(HIGHLIGHTS_KEY, NONE);
}

async function fetchHighlights(signal: AbortSignal): Promise<Highlights | null> {
  try {
    const response = await fetch("api/v1/rules", { headers: { Accept: "application/json" }, signal });
    return response.ok ? parseHighlights(await response.text()) : null;
  } catch {
    // No network, or aborted for a later question: lines are shown without colours.
    return null;
  }
}
