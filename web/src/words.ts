/** What the page says, in words: states, gaps, file changes, problems and amounts. Pure. */
import type { Problem } from "./answers.ts";
import type { Lost } from "./completeness.ts";
import type { ExportFailure } from "./exporting.ts";
import type { HistoryFailure } from "./history.ts";
import type { FileChange, Gap, Hello } from "./protocol.ts";
import type { StreamState } from "./stream.ts";

const integers = new Intl.NumberFormat("en-GB");

export function countOf(count: number, one: string, many = `${one}s`): string {
  return `${integers.format(count)} ${count === 1 ? one : many}`;
}

export function bytesInWords(bytes: number): string {
  if (bytes < 1000) return countOf(bytes, "byte");
  const units = ["kB", "MB", "GB", "TB"];
  let amount = bytes / 1000;
  let unit = 0;
  // 999.5 and more would be rounded to "1000 kB".
  while (amount >= 999.5 && unit < units.length - 1) {
    amount /= 1000;
    unit += 1;
  }
  return `${amount < 9.95 ? amount.toFixed(1) : integers.format(Math.round(amount))} ${units[unit] ?? ""}`;
}

/** The state in as few words as it takes; `nowMs` is by the clock that the state's stamps are of. */
export function stateInWords(state: StreamState, nowMs: number): string {
  switch (state.kind) {
    case "connecting":
      return "connecting";
    case "catching-up":
      return state.lagBytes === null ? "catching up" : `catching up, ${bytesInWords(state.lagBytes)} behind`;
    case "live":
      return "live";
    case "gap":
      return "gap";
    case "waiting":
      return `reconnecting in ${secondsLeft(state.until, nowMs)} s`;
    case "suspended":
      return "paused";
    case "crowded":
      return "waiting for a connection";
    case "stopped":
      return `stopped: ${stopTitle(state.status, state.problem)}`;
  }
}

export function secondsLeft(until: number, nowMs: number): number {
  return Math.max(0, Math.ceil((until - nowMs) / 1000));
}

/** Why the stream does not come back by itself. */
export function stopTitle(status: number, problem: Problem): string {
  switch (status) {
    case 204:
      return "the server ended the stream";
    case 400:
      return problem.column === null ? (problem.title ?? "bad request") : "query not understood";
    case 401:
      return "sign in first";
    case 403:
      return "not allowed";
    case 404:
      return problem.title ?? "not found";
    case 410:
      return "this stream is gone";
    default:
      return problem.title ?? `status ${status}`;
  }
}

/** A server's words as a sentence of the page: with a capital, and a full stop unless it ends otherwise. */
export function asSentence(words: string): string {
  const sentence = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
}

/** What is wrong with a request: the server's words are English. */
export function mistakeInWords({ detail, title }: Problem): string {
  return asSentence(detail ?? title ?? "the query cannot be read");
}

/** Why a page of the past could not be had, as a part of a sentence. */
export function failureInWords({ status, problem }: HistoryFailure): string {
  if (status === 0) return "the server cannot be reached";
  // The server names the parameter and the id first, which say nothing to a reader.
  return problem?.detail?.replace(ID_NAMED, "") ?? problem?.title ?? `the server answered ${status}`;
}

/** How a reason begins that is about an id of a page of the past. */
export const ID_NAMED = /^(?:around|before|after)='[^']*': /;

/** What the reader can do about it. */
export function stopAdvice(status: number): string {
  switch (status) {
    case 400:
      return "Correct the query above and press Enter.";
    case 401:
      return "Sign in, then load this page again.";
    case 403:
      return "Ask for access to these logs, or choose other sources.";
    case 404:
      return "Choose other sources, or none to see them all.";
    case 413:
    case 414:
    case 431:
      return "The query is too long: make it shorter and press Enter.";
    default:
      return "Try again, or look at the server's own log for the reason.";
  }
}

/** Why there is no file, and what the reader can do about it. */
export function downloadFailureInWords(failure: ExportFailure): string {
  switch (failure.kind) {
    case "cut":
      return "The download was cut off before its end, and nothing was saved. Try again when the server is there.";
    case "large":
      return `More than ${bytesInWords(failure.mostBytes)} do not go through this page, and nothing was saved.`;
    case "refused":
      return `Nothing was downloaded. ${asSentence(failureInWords(failure))} ${stopAdvice(failure.status)}`;
  }
}

const GAP_REASONS: Readonly<Record<string, string>> = {
  deleted: "the file was deleted before they were read",
  truncated: "the file was cut short before they were read",
  unreadable: "the file cannot be read",
  corrupt: "the file is damaged there",
  expired: "the server no longer keeps that part",
  index_lost: "the server lost its record of what it had sent",
  unknown_id: "the server does not know the place where this page was",
};

/** What is missing, from where, and why. */
export function gapInWords(gap: Gap, here = " here"): string {
  const amount = gap.lines === null ? null : countOf(gap.lines, "line");
  const size = gap.bytes === null ? null : bytesInWords(gap.bytes);
  const what = amount !== null && size !== null ? `${amount} (${size})` : (amount ?? size);
  const where = `${here}${placeInWords(gap.source, gap.file)}${rangeInWords(gap)}`;
  const reason = GAP_REASONS[gap.reason] ?? gap.reason;
  if (what === null) return `Lines may be missing${where}: ${reason}.`;
  return `${what} ${amount === "1 line" ? "is" : "are"} missing${where}: ${reason}.`;
}

/** What was lost, as far as it is known: "0 lost", "3 lines and 1.2 kB lost". */
export function lostInWords({ lines, bytes, unknownGaps }: Lost): string {
  const parts = [
    ...(lines > 0 ? [countOf(lines, "line")] : []),
    ...(bytes > 0 ? [bytesInWords(bytes)] : []),
    ...(unknownGaps > 0 ? ["an unknown amount"] : []),
  ];
  return `${parts.length === 0 ? "0" : parts.join(" and ")} lost`;
}

function rangeInWords({ from, to }: Gap): string {
  if (from === null) return to === null ? "" : `, up to byte ${integers.format(to)}`;
  return to === null
    ? `, from byte ${integers.format(from)} on`
    : `, bytes ${integers.format(from)} to ${integers.format(to)}`;
}

function placeInWords(source: string | null, file: string | null): string {
  if (file !== null) return ` from ${file}`;
  return source === null ? "" : ` from ${source}`;
}

const FILE_STATES: Readonly<Record<string, string>> = {
  following: "is being followed",
  "catching up": "is being followed",
  rotated: "was rotated",
  deleted: "was deleted",
  missing: "is gone",
  unreadable: "cannot be read",
  untailable: "is no file that can be followed",
};

export function fileChangeInWords(change: FileChange): string {
  const file = change.file ?? change.source ?? "A file";
  if (change.kind === "rotated") return `${file} was rotated${change.to === null ? "" : ` to ${change.to}`}`;
  const state = change.state === null ? "changed" : (FILE_STATES[change.state] ?? `is ${change.state}`);
  return `${file} ${state}${change.reason === null ? "" : `: ${change.reason}`}`;
}

/** What is said of a stream that could not go on exactly. */
export function resumeInWords(resume: Hello["resume"]): string {
  return `The stream could not go on exactly where this page was: ${resume.reason ?? "the server gave no reason"}.`;
}

/** A query cut around its one-based column (counted in characters, as the server does); past the end it marks a space. */
export function splitAtColumn(query: string, column: number): { before: string; at: string; after: string } {
  const characters = Array.from(query);
  const index = Math.min(Math.max(0, Math.trunc(column) - 1), characters.length);
  return {
    before: characters.slice(0, index).join(""),
    at: characters[index] ?? " ",
    after: characters.slice(index + 1).join(""),
  };
}
