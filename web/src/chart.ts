/**
 * The histogram's canvas: uPlot with bars on top of each other. Owns uPlot; knows nothing of rows, words or Vue. Loaded
 * after the first lines are on the screen.
 */
import "./locale.ts";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Bars, TimeRange } from "./histogram.ts";
import { stacked } from "./histogram.ts";

export interface ChartInks {
  /** For each level, the worst first. */
  readonly levels: readonly string[];
  readonly text: string;
}

export interface ChartOptions {
  readonly inks: () => ChartInks;
  /** A time on the axis; `stepMs` lies between two of them. */
  readonly label: (timeMs: number, stepMs: number) => string;
  readonly isUtc: () => boolean;
  /** The pointer is over this moment, or has left. */
  readonly onHover: (timeMs: number | null) => void;
  readonly onClick: (timeMs: number) => void;
  readonly onDrag: (range: TimeRange) => void;
}

const AXIS_PX = 18;
const SIDE_PX = 16;
/** Between two times of the axis. */
const LABEL_PX = 68;
const [SECOND_MS, MINUTE_MS, HOUR_MS, DAY_MS] = [1000, 60_000, 3_600_000, 86_400_000];
/** How far apart times may be. uPlot's own have nothing between a minute and five: one time alone is no scale. */
const STEPS_MS = [
  ...[0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30].map((seconds) => seconds * SECOND_MS),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE_MS),
  ...[1, 2, 3, 4, 6, 12].map((hours) => hours * HOUR_MS),
  ...[1, 2, 5, 10, 30, 90, 365, 3650].map((days) => days * DAY_MS),
];
/** A lone error among thousands of lines is seen. */
const LEAST_PX = 3;
/** So far the pointer may slip in a click. */
const DRAG_PX = 5;

/** Bars on whole pixels of the screen: rounded each for itself, some would touch and others not. */
const barPaths: uPlot.Series.PathBuilder = (plot, series, first, last) => {
  const fill = new Path2D();
  const [times] = plot.data;
  const stepMs = (times[1] ?? 1) - (times[0] ?? 0);
  const at = (value: number, scale: "x" | "y"): number => Math.round(plot.valToPos(value, scale, true));
  const seam = Math.round(window.devicePixelRatio);
  const ground = at(0, "y");
  for (let bar = first; bar <= last; bar++) {
    const height = plot.data[series]?.[bar] ?? 0;
    const startMs = times[bar] ?? 0;
    if (height === 0) continue;
    const [left, top] = [at(startMs, "x"), at(height, "y")];
    fill.rect(left, top, Math.max(1, at(startMs + stepMs, "x") - left - seam), ground - top);
  }
  return { fill };
};

export class Chart {
  readonly #plot: uPlot;
  readonly #heightPx: number;
  readonly #ending = new AbortController();
  #extent: TimeRange = { fromMs: 0, untilMs: 1 };
  #isDragging = false;

  /** Draws into `element`, which is `heightPx` high. */
  constructor(element: HTMLElement, heightPx: number, levels: number, options: ChartOptions) {
    this.#heightPx = heightPx;
    const nothing: uPlot.AlignedData = [[], ...Array.from({ length: levels }, () => [])];
    this.#plot = new uPlot(this.#optionsOf(element, levels, options), nothing, element);
    const { signal } = this.#ending;
    const { over } = this.#plot;
    over.addEventListener("mousedown", () => (this.#isDragging = true), { signal });
    document.addEventListener("mouseup", () => (this.#isDragging = false), { signal });
    over.addEventListener("click", (event) => {
      options.onClick(this.#plot.posToVal(event.clientX - over.getBoundingClientRect().left, "x"));
    });
  }

  /** What stands under a pointer that drags does not move away. */
  draw(bars: Bars, widthPx: number): void {
    if (this.#isDragging) return;
    const [firstMs = 0] = bars.startsMs;
    this.#extent = { fromMs: firstMs, untilMs: firstMs + bars.startsMs.length * bars.stepMs };
    if (this.#plot.width !== widthPx) this.#plot.setSize({ width: widthPx, height: this.#heightPx });
    const leastShare = LEAST_PX / (this.#heightPx - AXIS_PX);
    this.#plot.setData([[...bars.startsMs], ...stacked(bars, leastShare).toReversed()], true);
  }

  /** Shows which part is chosen. */
  select(range: TimeRange | null): void {
    // Where nothing was chosen there is nothing to take away: to ask how high the plot is has the page laid out.
    if (this.#isDragging || (range === null && this.#plot.select.width === 0)) return;
    const [left, end] =
      range === null ? [0, 0] : [range.fromMs, range.untilMs].map((ms) => this.#plot.valToPos(ms, "x"));
    const [from = 0, until = 0] = [left, end];
    this.#plot.setSelect({ left: from, width: until - from, top: 0, height: this.#plot.over.clientHeight }, false);
  }

  close(): void {
    this.#ending.abort();
    this.#plot.destroy();
  }

  #optionsOf(element: HTMLElement, levels: number, options: ChartOptions): uPlot.Options {
    const series = Array.from({ length: levels }, (_, index) => ({
      paths: barPaths,
      fill: () => options.inks().levels[levels - 1 - index] ?? "",
      width: 0,
      points: { show: false },
    }));
    return {
      width: Math.max(1, element.clientWidth),
      height: this.#heightPx,
      ms: 1,
      tzDate: (timeMs) => (options.isUtc() ? uPlot.tzDate(new Date(timeMs), "Etc/UTC") : new Date(timeMs)),
      padding: [4, SIDE_PX, 0, SIDE_PX],
      legend: { show: false },
      series: [{}, ...series],
      scales: {
        x: { time: true, range: () => [this.#extent.fromMs, this.#extent.untilMs] },
        y: { range: (_plot, _least, most) => [0, Math.max(1, most)] },
      },
      axes: [this.#timeAxis(options), { show: false }],
      cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false, dist: DRAG_PX } },
      hooks: {
        setCursor: [
          (plot) => {
            const left = plot.cursor.left ?? -1;
            options.onHover(left < 0 ? null : plot.posToVal(left, "x"));
          },
        ],
        setSelect: [
          (plot) => {
            const { left, width } = plot.select;
            if (width < DRAG_PX) return;
            options.onDrag({ fromMs: plot.posToVal(left, "x"), untilMs: plot.posToVal(left + width, "x") });
          },
        ],
      },
    };
  }

  #timeAxis(options: ChartOptions): uPlot.Axis {
    return {
      stroke: () => options.inks().text,
      font: "11px system-ui, sans-serif",
      size: AXIS_PX,
      gap: 3,
      space: LABEL_PX,
      incrs: STEPS_MS,
      grid: { show: false },
      ticks: { show: false },
      values: (plot, splits, _axis, _space, stepMs) => {
        // uPlot asks before it lays out, and not again while the times are the same: its own sizes are the last ones.
        const { fromMs, untilMs } = this.#extent;
        const widthPx = plot.width - 2 * SIDE_PX;
        return splits.map((timeMs) => {
          const at = ((timeMs - fromMs) / (untilMs - fromMs)) * widthPx;
          // Its middle stands there: nearer to an end, half of it would be cut off.
          return at < SIDE_PX || at > widthPx - SIDE_PX ? "" : options.label(timeMs, stepMs);
        });
      },
    };
  }
}
