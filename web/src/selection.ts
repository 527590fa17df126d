/**
 * What the reader wants to see: a query, levels and sources. Owns its two written forms, the page's address and the
 * server's.
 */
import { LEVELS } from "./protocol.ts";
import type { LevelName } from "./store.ts";

export interface Selection {
  readonly query: string;
  /** Names or globs; none means all sources. */
  readonly sources: readonly string[];
  /** None means all levels. */
  readonly levels?: readonly LevelName[];
}

/** The worst first. */
export const LEVEL_NAMES: readonly LevelName[] = [...LEVELS.toReversed(), "none"];

/** The selection in a page's address (`location.search`). */
export function readSelection(search: string): Selection {
  const parameters = new URLSearchParams(search);
  const sources = parameters.getAll("source").filter((name) => name !== "");
  const levels = parameters.getAll("level");
  return {
    query: parameters.get("q") ?? "",
    sources: [...new Set(sources)],
    levels: LEVEL_NAMES.filter((name) => levels.includes(name)),
  };
}

/** The page's address for a selection: a search part, empty if all lines of all sources are wanted. */
export function writeSelection(selection: Selection): string {
  const parameters = parametersOf(selection, selection.query);
  for (const level of selection.levels ?? []) parameters.append("level", level);
  const search = parameters.toString();
  return search === "" ? "" : `?${search}`;
}

export function isSameSelection(one: Selection, other: Selection): boolean {
  return writeSelection(one) === writeSelection(other);
}

/** The query that the server is asked: the reader's, and the levels. The reader's begins `shift` characters in. */
export function wholeQuery({ query, levels = [] }: Selection): { readonly text: string; readonly shift: number } {
  const own = query.trim();
  if (levels.length === 0) return { text: own, shift: 0 };
  const terms = levels.map((level) => (level === "none" ? "-level:>=trace" : `level:${level}`));
  const wanted = terms.length === 1 ? (terms[0] ?? "") : `(${terms.join(" OR ")})`;
  return own === "" ? { text: wanted, shift: 0 } : { text: `(${own}) ${wanted}`, shift: 1 };
}

/**
 * The stream's address, relative to the page. `from` is sent with a cursor too: a server that does not know the cursor
 * any more goes on there, and not at an end that would skip the lines in between.
 */
export function streamAddress(selection: Selection, from: string, cursor: string | null): string {
  const parameters = serverParameters(selection);
  parameters.set("shape", "batch");
  parameters.set("from", from);
  if (cursor !== null) parameters.set("last_event_id", cursor);
  return `api/v1/stream?${parameters.toString()}`;
}

/** The address of a page of the past, relative to the page. */
export function recordsAddress(selection: Selection, place: { kind: string; id: string }, limit: number): string {
  const parameters = serverParameters(selection);
  parameters.set(place.kind, place.id);
  parameters.set("limit", String(limit));
  return `api/v1/records?${parameters.toString()}`;
}

/** The address under which the server gives all that is selected as a file. */
export function exportAddress(selection: Selection, format: "text" | "jsonl" | "csv"): string {
  const parameters = serverParameters(selection);
  parameters.set("format", format);
  return `api/v1/export?${parameters.toString()}`;
}

export function serverParameters(selection: Selection): URLSearchParams {
  return parametersOf(selection, wholeQuery(selection).text);
}

function parametersOf(selection: Selection, query: string): URLSearchParams {
  const parameters = new URLSearchParams();
  if (query.trim() !== "") parameters.set("q", query.trim());
  for (const name of selection.sources) parameters.append("source", name);
  return parameters;
}
