/**
 * What the page's address names: a selection, or one line in its surroundings. The address is the truth: a link
 * reproduces the view, and Back leads to the choice before.
 */
import { useEventListener } from "@vueuse/core";
import type { ShallowRef } from "vue";
import { nextTick, shallowRef } from "vue";
import { lineHash, readLineHash } from "./details.ts";
import type { HistoryFailure } from "./history.ts";
import { failureOf } from "./history.ts";
import type { Selection } from "./selection.ts";
import { EVERYTHING, isSameSelection, readSelection, writeSelection } from "./selection.ts";

/** A line that cannot be shown; without a failure of the server's it is no more where it was. */
export interface GoneLine {
  readonly failure: HistoryFailure | null;
}

export interface PlaceOptions {
  /** Other rows are about to be shown. */
  readonly begin: () => void;
  readonly open: (selection: Selection) => void;
  readonly openAround: (selection: Selection, id: string) => Promise<void>;
  /** The surroundings are there; whether the line is, too. */
  readonly arrive: (id: string) => boolean;
}

export interface Place {
  readonly selection: Readonly<ShallowRef<Selection>>;
  /** The line that is shown in its surroundings, if one is. */
  readonly contextId: Readonly<ShallowRef<string | null>>;
  /** Why it is not. */
  readonly goneLine: Readonly<ShallowRef<GoneLine | null>>;
  /** Shows what the address names, from anew. */
  readonly show: () => void;
  readonly choose: (changes: Partial<Selection>) => void;
  readonly showContext: (id: string) => void;
  /** The same lines, with other columns. */
  readonly setColumns: (columns: readonly string[]) => void;
}

export function usePlace(options: PlaceOptions): Place {
  const selection = shallowRef(readSelection(window.location.search));
  const contextId = shallowRef<string | null>(null);
  const goneLine = shallowRef<GoneLine | null>(null);
  let visits = 0;

  function show(): void {
    selection.value = readSelection(window.location.search);
    contextId.value = readLineHash(window.location.hash);
    goneLine.value = null;
    visits += 1;
    options.begin();
    if (contextId.value === null) options.open(selection.value);
    else void showAround(contextId.value);
  }

  async function showAround(id: string): Promise<void> {
    const mine = visits;
    try {
      await options.openAround(EVERYTHING, id);
    } catch (error) {
      if (mine === visits) goneLine.value = { failure: failureOf(error) };
      return;
    }
    await nextTick();
    if (mine === visits && !options.arrive(id)) goneLine.value = { failure: null };
  }

  function visit(address: string): void {
    window.history.pushState(null, "", address);
    show();
  }

  function choose(changes: Partial<Selection>): void {
    const next = { ...selection.value, ...changes };
    if (isSameSelection(next, selection.value) && contextId.value === null) show();
    else visit(window.location.pathname + writeSelection(next));
  }

  function showContext(id: string): void {
    visit(window.location.pathname + window.location.search + lineHash(id));
  }

  function setColumns(columns: readonly string[]): void {
    selection.value = { ...selection.value, columns };
    const { pathname, hash } = window.location;
    window.history.replaceState(null, "", pathname + writeSelection(selection.value) + hash);
  }

  useEventListener(window, ["popstate", "hashchange"], () => {
    const isShown =
      isSameSelection(readSelection(window.location.search), selection.value) &&
      readLineHash(window.location.hash) === contextId.value;
    if (isShown) selection.value = readSelection(window.location.search);
    else show();
  });

  return { selection, contextId, goneLine, show, choose, showContext, setColumns };
}
