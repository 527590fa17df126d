/** Which of the page's colours each source has: the same in each visit, and different ones as far as they go. Pure. */
import type { InjectionKey, ShallowRef } from "vue";
import { inject, shallowRef } from "vue";

/** As many as `--source-0` ... in the stylesheet. */
export const HUES = 10;

export type Hues = ReadonlyMap<string, number>;

/** The names in the server's order. Each has the colour that its name leads to, or the next one that is free. */
export function huesOf(names: readonly string[]): Hues {
  const hues = new Map<string, number>();
  const free = new Set(Array.from({ length: HUES }, (_, hue) => hue));
  for (const name of names) {
    let hue = hueOf(name);
    if (free.size > 0) while (!free.has(hue)) hue = (hue + 1) % HUES;
    free.delete(hue);
    hues.set(name, hue);
  }
  return hues;
}

/** Where a name leads to (FNV-1a, 32 bits). */
export function hueOf(name: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  // The low bits alone differ little from name to name.
  return ((hash >>> 16) ^ (hash & 0xffff)) % HUES;
}

/** Where rows find the colours: each of thousands would hand them down otherwise. */
export const HUES_KEY: InjectionKey<Readonly<ShallowRef<Hues>>> = Symbol("hues");

const NONE: Readonly<ShallowRef<Hues>> = shallowRef(new Map());

export function injectHues(): Readonly<ShallowRef<Hues>> {
  return inject(HUES_KEY, NONE);
}
