/**
 * The sign that each source has beside its name, a colour and a shape: the same in each visit, and different ones as far as
 * they go. Colours that are like each other, to some readers or to all, have different shapes. Pure.
 */
import type { InjectionKey, ShallowRef } from "vue";
import { inject, shallowRef } from "vue";

/** As many as `--source-0` ... in the stylesheet. */
export const HUES = 10;
/** A square, a circle and a diamond. */
export const SHAPES = 3;

export interface Sign {
  readonly hue: number;
  readonly shape: number;
}

export type Signs = ReadonlyMap<string, Sign>;

/**
 * The names in the server's order. Each has the colour that its name leads to, or the next one that is free; once all are
 * taken, they are given again with the next shape.
 */
export function signsOf(names: readonly string[]): Signs {
  const signs = new Map<string, Sign>();
  const free = new Set<number>();
  let round = -1;
  for (const name of names) {
    if (free.size === 0) {
      for (let hue = 0; hue < HUES; hue++) free.add(hue);
      round += 1;
    }
    let hue = hueOf(name);
    while (!free.has(hue)) hue = (hue + 1) % HUES;
    free.delete(hue);
    signs.set(name, signIn(hue, round));
  }
  return signs;
}

/** The sign of a source that the server does not name. */
export function signOf(name: string): Sign {
  return signIn(hueOf(name), 0);
}

function signIn(hue: number, round: number): Sign {
  return { hue, shape: (hue + round) % SHAPES };
}

/** Where a name leads to (FNV-1a, 32 bits). */
function hueOf(name: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  // The low bits alone differ little from name to name.
  return ((hash >>> 16) ^ (hash & 0xffff)) % HUES;
}

/** Where rows find the signs: each of thousands would hand them down otherwise. */
export const SIGNS_KEY: InjectionKey<Readonly<ShallowRef<Signs>>> = Symbol("signs");

const NONE: Readonly<ShallowRef<Signs>> = shallowRef(new Map());

export function injectSigns(): Readonly<ShallowRef<Signs>> {
  return inject(SIGNS_KEY, NONE);
}
