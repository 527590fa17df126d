/** The list of sources, fetched when asked for; it says what it is doing and what went wrong. */
import type { ShallowRef } from "vue";
import { onScopeDispose, shallowRef } from "vue";
import type { Source } from "./answers.ts";
import { parseSources } from "./answers.ts";
import { leaveForLogin } from "./session.ts";

export type SourcesState = "loading" | "ready" | "failed";

export interface SourcesView {
  readonly sources: Readonly<ShallowRef<readonly Source[]>>;
  readonly state: Readonly<ShallowRef<SourcesState>>;
  /** Asks again; an answer to an earlier question is dropped. What was known stays until the new answer. */
  readonly reload: () => Promise<void>;
}

export function useSources(): SourcesView {
  const sources = shallowRef<readonly Source[]>([]);
  const state = shallowRef<SourcesState>("loading");
  let controller = new AbortController();

  async function reload(): Promise<void> {
    controller.abort();
    controller = new AbortController();
    const { signal } = controller;
    const answer = await fetchSources(signal);
    if (signal.aborted) return;
    if (answer !== null) sources.value = answer;
    state.value = answer === null ? "failed" : "ready";
  }

  onScopeDispose(() => {
    controller.abort();
  });
  return { sources, state, reload };
}

async function fetchSources(signal: AbortSignal): Promise<readonly Source[] | null> {
  try {
    const response = await fetch("api/v1/sources", { headers: { Accept: "application/json" }, signal });
    if (response.ok) return parseSources(await response.text());
    await leaveForLogin(response);
    return null;
  } catch {
    // No network, or aborted for a later question: either way there is no answer.
    return null;
  }
}
