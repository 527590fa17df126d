/** Pages of the past, asked of the server one after the other. Owns the request and its words; keeps nothing. */
import type { Problem, RecordsPage } from "./answers.ts";
import { parseProblem, parseRecords } from "./answers.ts";
import type { Selection } from "./selection.ts";
import { recordsAddress } from "./selection.ts";

export interface Place {
  readonly kind: "before" | "after" | "around";
  readonly id: string;
}

/** Why a page could not be had: facts, of which each language makes its own words. */
export interface HistoryFailure {
  /** 0 if there was no answer. */
  readonly status: number;
  readonly problem: Problem | null;
}

export class HistoryError extends Error {
  readonly failure: HistoryFailure;

  constructor(status: number, problem: Problem | null) {
    super(problem?.detail ?? `no page of the past: status ${status}`);
    this.name = "HistoryError";
    this.failure = { status, problem };
  }
}

/** What is to be said of an error. Raises one that no answer of the server's has led to. */
export function failureOf(error: unknown): HistoryFailure {
  if (error instanceof HistoryError) return error.failure;
  throw error;
}

export type FetchPage = (
  selection: Selection,
  place: Place,
  limit: number,
  signal: AbortSignal,
) => Promise<RecordsPage>;

/** Raises HistoryError; an abort comes through as it is. */
export const fetchPage: FetchPage = async (selection, place, limit, signal) => {
  let response: Response;
  let body: string;
  try {
    response = await fetch(recordsAddress(selection, place, limit), {
      headers: { Accept: "application/json" },
      credentials: "same-origin",
      signal,
    });
    body = await response.text();
  } catch (error) {
    if (signal.aborted) throw error;
    throw new HistoryError(0, null);
  }
  if (!response.ok) throw new HistoryError(response.status, parseProblem(body));
  const page = parseRecords(body);
  if (page === null) throw new HistoryError(response.status, null);
  return page;
};
