/**
 * What the reader wants to see: a query, levels, sources and columns. Owns its two written forms, the page's address and
 * the server's.
 */
import { MOST_COLUMNS } from "./columns.ts";
import type { TimeRange } from "./histogram.ts";
import { LEVEL_NAMES } from "./levels.ts";
import type { LevelName } from "./levels.ts";

export interface Selection {
  readonly query: string;
  /** Names or globs; none means all sources. */
  readonly sources: readonly string[];
  /** None means all levels. */
  readonly levels?: readonly LevelName[];
  /** None means all times, and lines that tell none. */
  readonly range?: TimeRange | null;
  /** Fields that stand in columns: how lines look, not which. */
  readonly columns?: readonly string[];
}

export const EVERYTHING: Selection = { query: "", sources: [], levels: [] };

/** The selection in a page's address (`location.search`). */
export function readSelection(search: string): Selection {
  const parameters = new URLSearchParams(search);
  const sources = parameters.getAll("source").filter((name) => name !== "");
  const levels = parameters.getAll("level");
  const columns = [...new Set(parameters.getAll("column"))].filter((name) => name !== "").slice(0, MOST_COLUMNS);
  return {
    query: parameters.get("q") ?? "",
    sources: [...new Set(sources)],
    levels: LEVEL_NAMES.filter((name) => levels.includes(name)),
    ...readRange(parameters.get("from"), parameters.get("until")),
    ...(columns.length > 0 ? { columns } : {}),
  };
}

function readRange(from: string | null, until: string | null): { readonly range?: TimeRange } {
  const range = { fromMs: Date.parse(from ?? ""), untilMs: Date.parse(until ?? "") };
  return range.fromMs < range.untilMs ? { range } : {};
}

/** The page's address for a selection: a search part, empty if all lines of all sources are wanted. */
export function writeSelection(selection: Selection): string {
  const parameters = parametersOf(selection, selection.query);
  for (const level of selection.levels ?? []) parameters.append("level", level);
  const range = selection.range ?? null;
  if (range !== null) {
    parameters.set("from", new Date(range.fromMs).toISOString());
    parameters.set("until", new Date(range.untilMs).toISOString());
  }
  for (const name of selection.columns ?? []) parameters.append("column", name);
  const search = parameters.toString();
  return search === "" ? "" : `?${search}`;
}

/** Whether both are of the same lines. */
export function isSameSelection(one: Selection, other: Selection): boolean {
  return writeSelection({ ...one, columns: [] }) === writeSelection({ ...other, columns: [] });
}

/** The query that the server is asked: the reader's, levels and times. The reader's begins `shift` characters in. */
export function wholeQuery({ query, levels = [], range }: Selection): {
  readonly text: string;
  readonly shift: number;
} {
  const own = query.trim();
  const added = [...levelTerms(levels), ...(range === undefined || range === null ? [] : timeTerms(range))].join(" ");
  if (own === "" || added === "") return { text: own + added, shift: 0 };
  return { text: `(${own}) ${added}`, shift: 1 };
}

function levelTerms(levels: readonly LevelName[]): readonly string[] {
  const terms = levels.map((level) => (level === "none" ? "-level:>=trace" : `level:${level}`));
  return terms.length < 2 ? terms : [`(${terms.join(" OR ")})`];
}

function timeTerms({ fromMs, untilMs }: TimeRange): readonly string[] {
  return [`time:>=${new Date(fromMs).toISOString()}`, `time:<${new Date(untilMs).toISOString()}`];
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

/** The forms of a file of all that is selected. */
export const EXPORT_FORMATS = ["text", "jsonl", "csv"] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** The address under which the server gives all that is selected as a file. */
export function exportAddress(selection: Selection, format: ExportFormat): string {
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
