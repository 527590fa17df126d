/**
 * What could be typed next in a query: the server's completions and fields of the lines that are here, or for an empty query
 * those asked before.
 */
import { useDebounceFn } from "@vueuse/core";
import type { ShallowRef } from "vue";
import { onScopeDispose, shallowRef } from "vue";
import type { Completion } from "./answers.ts";
import { parseCompletions } from "./answers.ts";
import { loadQueries } from "./settings.ts";
import { OWN_KEYS } from "./terms.ts";

const PATIENCE_MS = 100;
const MOST_SHOWN = 10;

export interface Completions {
  readonly shown: Readonly<ShallowRef<readonly Completion[]>>;
  /** The one that Enter or Tab takes; -1 for none. */
  readonly active: ShallowRef<number>;
  /** Looks for completions of what stands before the cursor (in UTF-16 units). */
  readonly look: (text: string, cursor: number) => void;
  readonly step: (by: 1 | -1) => void;
  readonly close: () => void;
}

/** `fieldNames` are asked for when a word begins. */
export function useCompletions(fieldNames: () => readonly string[]): Completions {
  const shown = shallowRef<readonly Completion[]>([]);
  const active = shallowRef(-1);
  let controller = new AbortController();

  function show(completions: readonly Completion[]): void {
    shown.value = completions.slice(0, MOST_SHOWN);
    active.value = -1;
  }

  const ask = useDebounceFn(async (text: string, cursor: number, { signal }: AbortController) => {
    if (signal !== controller.signal || signal.aborted) return;
    const parameters = new URLSearchParams({ q: text, cursor: String(Array.from(text.slice(0, cursor)).length) });
    try {
      const response = await fetch(`api/v1/query?${parameters.toString()}`, { signal });
      const body = await response.text();
      if (!response.ok || signal !== controller.signal) return;
      show([...parseCompletions(body), ...fieldCompletions(text, cursor, fieldNames)]);
    } catch {
      // Without an answer there is nothing to choose from; the query can be typed all the same.
    }
  }, PATIENCE_MS);

  function close(): void {
    controller.abort();
    show([]);
  }

  onScopeDispose(close);
  return {
    shown,
    active,
    look: (text, cursor) => {
      controller.abort();
      controller = new AbortController();
      if (text.trim() === "") {
        show(loadQueries().map((query) => ({ text: query, kind: "history", detail: "", start: 0, end: text.length })));
      } else void ask(text, cursor, controller);
    },
    step: (by) => {
      const count = shown.value.length;
      if (count > 0) active.value = (active.value + by + count + (active.value === -1 && by === -1 ? 1 : 0)) % count;
    },
    close,
  };
}

/** The fields whose names begin with the word before the cursor; `cursor` is in UTF-16 units. */
export function fieldCompletions(text: string, cursor: number, names: () => readonly string[]): readonly Completion[] {
  const before = text.slice(0, cursor);
  const word = /(?:^|[\s(])-?([A-Za-z_@][\w.@-]*)$/.exec(before)?.[1];
  if (word === undefined) return [];
  const end = Array.from(before).length;
  return names()
    .map((name) => (OWN_KEYS.includes(name) ? `fields.${name}` : name))
    .filter((name) => /^[\w.@-]+$/.test(name) && name.toLowerCase().startsWith(word.toLowerCase()))
    .map((name) => ({ text: `${name}:`, kind: "field", detail: "", start: end - word.length, end }));
}

/** The query with a completion taken, and where the cursor stands then (in UTF-16 units). */
export function completed(text: string, { text: taken, start, end }: Completion): { text: string; cursor: number } {
  const characters = Array.from(text);
  const before = characters.slice(0, start).join("") + taken;
  return { text: before + characters.slice(end).join(""), cursor: before.length };
}
