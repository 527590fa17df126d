/**
 * What the reader wants to see: a query and sources. Owns its two written forms, the page's address and the stream's.
 */

export interface Selection {
  readonly query: string;
  /** Names or globs; none means all sources. */
  readonly sources: readonly string[];
}

/** The selection in a page's address (`location.search`). */
export function readSelection(search: string): Selection {
  const parameters = new URLSearchParams(search);
  const sources = parameters.getAll("source").filter((name) => name !== "");
  return { query: parameters.get("q") ?? "", sources: [...new Set(sources)] };
}

/** The page's address for a selection: a search part, empty if all lines of all sources are wanted. */
export function writeSelection(selection: Selection): string {
  const search = parametersOf(selection).toString();
  return search === "" ? "" : `?${search}`;
}

export function isSameSelection(one: Selection, other: Selection): boolean {
  return writeSelection(one) === writeSelection(other);
}

/**
 * The stream's address, relative to the page. `from` is sent with a cursor too: a server that does not know the cursor
 * any more goes on there, and not at an end that would skip the lines in between.
 */
export function streamAddress(selection: Selection, from: string, cursor: string | null): string {
  const parameters = parametersOf(selection);
  parameters.set("shape", "batch");
  parameters.set("from", from);
  if (cursor !== null) parameters.set("last_event_id", cursor);
  return `api/v1/stream?${parameters.toString()}`;
}

/** The address of a page of the past, relative to the page. */
export function recordsAddress(selection: Selection, place: { kind: string; id: string }, limit: number): string {
  const parameters = parametersOf(selection);
  parameters.set(place.kind, place.id);
  parameters.set("limit", String(limit));
  return `api/v1/records?${parameters.toString()}`;
}

function parametersOf(selection: Selection): URLSearchParams {
  const parameters = new URLSearchParams();
  if (selection.query.trim() !== "") parameters.set("q", selection.query.trim());
  for (const name of selection.sources) parameters.append("source", name);
  return parameters;
}
