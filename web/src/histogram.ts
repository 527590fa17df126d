/**
 * How many of the lines held have which level at which time: counts that grow and shrink with what is held, and bars made
 * of them. Pure; no drawing, no time zones.
 */
import { LEVEL_NAMES } from "./levels.ts";
import type { LevelName } from "./levels.ts";

/** From this moment on, up to and without that one; Unix time in milliseconds. */
export interface TimeRange {
  readonly fromMs: number;
  readonly untilMs: number;
}

export interface Bars {
  readonly stepMs: number;
  readonly startsMs: readonly number[];
  /** For each level, the worst first, a count for each bar. */
  readonly counts: readonly (readonly number[])[];
}

/** What one look at the counts gives: the least that is told apart. */
const TICK_MS = 100;
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Widths that a reader knows; beyond them whole numbers of weeks. */
const STEPS_MS = [
  ...[100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((count) => count * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * MINUTE),
  ...[1, 2, 3, 6, 12].map((count) => count * HOUR),
  ...[1, 2, 7].map((count) => count * DAY),
];
/** Fewer bars would be blocks that say nothing of time. */
const FEWEST_BARS = 20;
const LEVELS_A_TICK = 8;

export class TimeCounts {
  /** By tick and level in one number: a small map for each tick would weigh more than the lines. */
  readonly #counts = new Map<number, number>();
  /** The tick from which places are counted: small numbers are numbers, others are objects. */
  #baseTick: number | null = null;
  /** Neighbours mostly have the same time, and to read one costs more than to count a line. */
  #lastTime: string | null = null;
  #lastTick = Number.NaN;

  /** Counts a line in, or with -1 out again; `time` as the record has it. */
  count(time: string | null, level: LevelName, by: 1 | -1): void {
    if (time === null) return;
    if (time !== this.#lastTime) {
      this.#lastTime = time;
      this.#lastTick = Math.floor(Date.parse(time) / TICK_MS);
    }
    if (Number.isNaN(this.#lastTick)) return;
    this.#baseTick ??= this.#lastTick;
    const place = (this.#lastTick - this.#baseTick) * LEVELS_A_TICK + LEVEL_NAMES.indexOf(level);
    const count = (this.#counts.get(place) ?? 0) + by;
    if (count === 0) this.#counts.delete(place);
    else this.#counts.set(place, count);
  }

  /** From the oldest time to the newest; null if no line that is held tells its time. */
  get extent(): TimeRange | null {
    let first = Number.POSITIVE_INFINITY;
    let last = Number.NEGATIVE_INFINITY;
    for (const place of this.#counts.keys()) {
      if (place < first) first = place;
      if (place > last) last = place;
    }
    if (first > last) return null;
    return { fromMs: this.#startMs(first), untilMs: this.#startMs(last) + TICK_MS };
  }

  /** At most `mostBars` of them over this range. */
  bars(range: TimeRange, mostBars: number): Bars {
    const stepMs = stepFor(range, mostBars);
    const endMs = Math.ceil(range.untilMs / stepMs) * stepMs;
    const startMs = Math.min(Math.floor(range.fromMs / stepMs) * stepMs, endMs - FEWEST_BARS * stepMs);
    const size = Math.round((endMs - startMs) / stepMs);
    const counts = LEVEL_NAMES.map(() => new Array<number>(size).fill(0));
    for (const [place, count] of this.#counts) {
      const bar = Math.floor((this.#startMs(place) - startMs) / stepMs);
      const level = counts[((place % LEVELS_A_TICK) + LEVELS_A_TICK) % LEVELS_A_TICK];
      if (level !== undefined && bar >= 0 && bar < size) level[bar] = (level[bar] ?? 0) + count;
    }
    return { stepMs, startsMs: Array.from({ length: size }, (_, bar) => startMs + bar * stepMs), counts };
  }

  /** When a place's tick begins. */
  #startMs(place: number): number {
    return (Math.floor(place / LEVELS_A_TICK) + (this.#baseTick ?? 0)) * TICK_MS;
  }
}

function stepFor({ fromMs, untilMs }: TimeRange, mostBars: number): number {
  // One more than fits, for the range begins and ends within a bar.
  const leastMs = (untilMs - fromMs) / Math.max(1, mostBars - 1);
  const week = 7 * DAY;
  return STEPS_MS.find((stepMs) => stepMs >= leastMs) ?? Math.ceil(leastMs / week) * week;
}

/**
 * Each level's bars on top of those of all worse ones, to be drawn from the last to the first. What is there at all
 * counts as no less than `leastShare` of the highest bar.
 */
export function stacked(bars: Bars, leastShare: number): number[][] {
  const sums = bars.startsMs.map((_, bar) => bars.counts.reduce((sum, counts) => sum + (counts[bar] ?? 0), 0));
  const least = leastShare * sums.reduce((most, sum) => Math.max(most, sum), 0);
  const below = new Array<number>(bars.startsMs.length).fill(0);
  return bars.counts.map((counts) => {
    counts.forEach((count, bar) => {
      if (count > 0) below[bar] = (below[bar] ?? 0) + Math.max(count, least);
    });
    return [...below];
  });
}

/** The bar in which this moment lies, or the nearest. */
export function barAt({ startsMs, stepMs }: Bars, timeMs: number): number {
  const bar = Math.floor((timeMs - (startsMs[0] ?? 0)) / stepMs);
  return Math.min(Math.max(0, bar), startsMs.length - 1);
}

/** From the beginning of one bar to the end of the other, whichever comes first. */
export function rangeOf(bars: Bars, one: number, other: number): TimeRange {
  const [first, last] = [Math.min(one, other), Math.max(one, other)];
  const at = (bar: number): number => bars.startsMs[Math.min(Math.max(0, bar), bars.startsMs.length - 1)] ?? 0;
  return { fromMs: at(first), untilMs: at(last) + bars.stepMs };
}

/** How many lines of each level are in these bars, the worst first; levels without any left out. */
export function linesIn(bars: Bars, one: number, other: number): readonly (readonly [LevelName, number])[] {
  const [first, last] = [Math.min(one, other), Math.max(one, other)];
  return LEVEL_NAMES.flatMap((name, level) => {
    const counts = bars.counts[level]?.slice(first, last + 1) ?? [];
    const sum = counts.reduce((total, count) => total + count, 0);
    return sum === 0 ? [] : [[name, sum] as const];
  });
}
