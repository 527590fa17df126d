/** Times as the reader wants them: by the local clock, in UTC, or how long ago. Pure. */
import type { TimeRange } from "./histogram.ts";
import type { Settings } from "./settings.ts";

/** A record's time in one column; before the time of day stands the day if it is not today's. */
export function timeText(time: string | null, mode: Settings["time"], nowMs: number): string {
  if (time === null) return "";
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return time;
  if (mode === "relative") return agoText(nowMs - date.getTime());
  const now = new Date(nowMs);
  const shown = mode === "utc" ? date.toISOString() : localIso(date);
  const today = mode === "utc" ? now.toISOString() : localIso(now);
  if (shown.slice(0, 10) === today.slice(0, 10)) return shown.slice(11, 23);
  return shown.slice(0, 4) === today.slice(0, 4)
    ? `${shown.slice(5, 10)} ${shown.slice(11, 19)}`
    : `${shown.slice(0, 10)} ${shown.slice(11, 19)}`;
}

/** A moment to the second, by the local clock or in UTC: how long ago it was would change while it is read. */
export function clockText(timeMs: number, mode: Settings["time"], nowMs: number): string {
  const shown = timeText(new Date(timeMs).toISOString(), mode === "utc" ? "utc" : "local", nowMs);
  return shown.replace(/\.\d+$/, "");
}

/** The local time with date, milliseconds and offset, as RFC 3339 has it. */
export function localIso(date: Date): string {
  const offset = -date.getTimezoneOffset();
  const local = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, 23);
  const two = (part: number): string => String(Math.trunc(part)).padStart(2, "0");
  return `${local}${offset < 0 ? "-" : "+"}${two(Math.abs(offset) / 60)}:${two(Math.abs(offset) % 60)}`;
}

/** The two ends of a stretch of time, to the second, or finer where they lie between seconds; their day only once. */
export function rangeText({ fromMs, untilMs }: TimeRange, mode: Settings["time"], nowMs: number): string {
  const isFine = fromMs % 1000 !== 0 || untilMs % 1000 !== 0;
  const text = (timeMs: number): string =>
    isFine
      ? timeText(new Date(timeMs).toISOString(), mode === "utc" ? "utc" : "local", nowMs)
      : clockText(timeMs, mode, nowMs);
  const from = text(fromMs);
  const until = text(untilMs);
  const day = from.slice(0, from.lastIndexOf(" ") + 1);
  return `${from} – ${until.startsWith(day) ? until.slice(day.length) : until}`;
}

/** A time on an axis whose marks are `stepMs` apart: no more of it than tells one mark from the next. */
export function axisText(timeMs: number, stepMs: number, mode: Settings["time"]): string {
  const date = new Date(timeMs);
  const iso = mode === "utc" ? date.toISOString() : localIso(date);
  if (stepMs >= 86_400_000) return iso.slice(0, 10);
  if (stepMs >= 60_000) return iso.slice(11, 16);
  return stepMs >= 1000 ? iso.slice(11, 19) : iso.slice(11, 21);
}

/** "0.1 s"; from a minute on as `spanText`. */
export function lagText(ms: number): string {
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : spanText(ms);
}

/** Lines a second: "0", "0.4", "12", "1,200". */
export function rateText(rate: number): string {
  if (rate === 0 || rate >= 9.95) return Math.round(rate).toLocaleString("en-GB");
  return rate.toFixed(1);
}

/** "3.2 s", "4 min", "2 h", "5 d"; what lies ahead has a plus. */
export function agoText(elapsedMs: number): string {
  const sign = elapsedMs < 0 ? "+" : "-";
  return `${sign}${spanText(Math.abs(elapsedMs))}`;
}

export function spanText(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 1) return `${Math.round(ms)} ms`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`;
}
