/** What rows need to know of their reader: injected, for each of many would hand it down otherwise. */
import type { InjectionKey, ShallowRef } from "vue";
import { inject, shallowRef } from "vue";
import type { KeySpan } from "./copying.ts";
import type { Finder } from "./segments.ts";

export interface Reading {
  /** The row that the keys are at. */
  readonly chosenKey: number | null;
  /** The rows that are chosen together, if several are. */
  readonly span: KeySpan | null;
  /** Ids of marked lines, and what is said of each: how long after the mark before. */
  readonly marks: ReadonlyMap<string, string>;
  /** Rows whose stack traces are the other way than usual: by the head's id. */
  readonly turned: ReadonlySet<string>;
  readonly find: Finder | null;
}

export const NO_READING: Reading = { chosenKey: null, span: null, marks: new Map(), turned: new Set(), find: null };

export const READING_KEY: InjectionKey<Readonly<ShallowRef<Reading>>> = Symbol("reading");

const NONE: Readonly<ShallowRef<Reading>> = shallowRef(NO_READING);

export function injectReading(): Readonly<ShallowRef<Reading>> {
  return inject(READING_KEY, NONE);
}
