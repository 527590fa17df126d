// @vitest-environment node
import { describe, expect, it } from "vitest";
import { HIGHLIGHTS } from "../src/protocol.ts";
import { HUES, signsOf } from "../src/signs.ts";
import lineText from "../src/components/LineText.vue?raw";
import stylesheet from "../src/style.css?raw";

/** Nearer than this, two small marks are hard to tell apart. */
const ALIKE = 0.115;

type Colours = ReadonlyMap<string, string>;

const [light, dark] = [1, 2].map(
  (place) =>
    new Map(
      [...stylesheet.matchAll(/--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);/g)].map((match) => [
        match[1],
        match[place + 1],
      ]),
    ),
);

const PAIRS: readonly (readonly [ink: string, ground: string])[] = [
  ...["ink", "muted", "trace", "debug", "info", "warn"].flatMap((ink) =>
    ["page", "hover", "panel"].map((ground) => [ink, ground] as const),
  ),
  ...["ink", "muted", "warn"].map((ink) => [ink, "warn-tint"] as const),
  ...["ink", "muted", "error"].map((ink) => [ink, "error-tint"] as const),
  ...["ink", "muted", "fatal"].map((ink) => [ink, "fatal-tint"] as const),
  ["error", "panel"],
  ["page", "error"],
  ["on-accent", "accent"],
  ["ink", "raised"],
  ["muted", "raised"],
  ["hit-ink", "hit"],
  ["ink", "chosen"],
  ["muted", "chosen"],
  ["error", "raised"],
  ["accent", "page"],
  ["accent", "panel"],
  ["accent", "raised"],
  ...[0, 1, 2, 3, 4, 5, 6, 7].map((number) => [`term-${number}`, "page"] as const),
];

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((start) => {
    const part = Number.parseInt(colour.slice(start, start + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** The three parts of a colour as OKLab has them: where they are near, colours look alike. */
function oklab(colour: string): readonly number[] {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((start) => {
    const part = Number.parseInt(colour.slice(start, start + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  const long = Math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue);
  const middle = Math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue);
  const short = Math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue);
  return [
    0.2104542553 * long + 0.793617785 * middle - 0.0040720468 * short,
    1.9779984951 * long - 2.428592205 * middle + 0.4505937099 * short,
    0.0259040371 * long + 0.7827717662 * middle - 0.808675766 * short,
  ];
}

function distance(one: string, other: string): number {
  const [a, b] = [oklab(one), oklab(other)];
  return Math.hypot(...a.map((part, index) => part - (b[index] ?? 0)));
}

/** WCAG 2.2, contrast ratio. */
function contrast(one: string, other: string): number {
  const [dim = 0, bright = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (bright + 0.05) / (dim + 0.05);
}

/** CSS's `color-mix(in srgb, one share, other)`. */
function mixed(one: string, other: string, share: number): string {
  const parts = [1, 3, 5].map((start) => {
    const [a = 0, b = 0] = [one, other].map((colour) => Number.parseInt(colour.slice(start, start + 2), 16));
    return Math.round(a * share + b * (1 - share))
      .toString(16)
      .padStart(2, "0");
  });
  return `#${parts.join("")}`;
}

describe.each<[string, Colours | undefined]>([
  ["light", light as Colours | undefined],
  ["dark", dark as Colours | undefined],
])("in the %s scheme", (_scheme, colours) => {
  const colour = (name: string): string => {
    const value = colours?.get(name);
    if (value === undefined) throw new Error(`no colour ${name}`);
    return value;
  };

  it.each(PAIRS)("%s on %s can be read (4.5 : 1)", (ink, ground) => {
    expect(contrast(colour(ink), colour(ground))).toBeGreaterThanOrEqual(4.5);
  });

  it.each(HIGHLIGHTS)("a line that a rule marks in %s can be read, and its mark seen", (name) => {
    const mark = colour(`mark-${name}`);
    const ground = mixed(mark, colour("page"), 0.14);
    expect(contrast(mark, colour("page"))).toBeGreaterThanOrEqual(3);
    expect(contrast(colour("ink"), ground)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(colour("muted"), ground)).toBeGreaterThanOrEqual(4.5);
  });

  it.each(Array.from({ length: 8 }, (_, ink) => ink))(
    "terminal colour %i can be read on each terminal ground",
    (ink) => {
      for (let ground = 0; ground < 8; ground++) {
        const mix = mixed(colour(`term-${ground}`), colour("page"), 0.12);
        expect(contrast(colour(`term-${ink}`), mix)).toBeGreaterThanOrEqual(4.5);
      }
      expect(lineText).toContain(`var(--term-${ink}) 12%, var(--page)`);
    },
  );

  it.each(Array.from({ length: HUES }, (_, hue) => hue))("the mark of source %i can be seen in any row", (hue) => {
    const grounds = ["page", "panel", "hover", "chosen", "warn-tint", "error-tint", "fatal-tint"].map(colour);
    const pointedOut = HIGHLIGHTS.map((name) => mixed(colour(`mark-${name}`), colour("page"), 0.14));
    for (const ground of [...grounds, ...pointedOut]) {
      expect(contrast(colour(`source-${hue}`), ground)).toBeGreaterThanOrEqual(3);
    }
  });

  it("sources whose colours are like each other have signs of different shapes", () => {
    const signs = [...signsOf(Array.from({ length: HUES }, (_, number) => `source ${number}`)).values()];
    const alike = signs.flatMap((one) =>
      signs
        .filter(
          (other) =>
            other.hue > one.hue && distance(colour(`source-${one.hue}`), colour(`source-${other.hue}`)) < ALIKE,
        )
        .map((other) => [one, other] as const),
    );
    expect(alike).not.toEqual([]);
    expect(alike.filter(([one, other]) => one.shape === other.shape)).toEqual([]);
  });

  it.each(["good", "warn", "error", "accent", "muted", "field-line"])("a mark in %s can be seen (3 : 1)", (name) => {
    expect(contrast(colour(name), colour("panel"))).toBeGreaterThanOrEqual(3);
  });
});
