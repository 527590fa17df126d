/** Foreign JSON, looked at piece by piece: what has not the form that is hoped for is null or left out. Parses, knows no wire. */

import { markIntegers, reviveInteger } from "./integers.ts";

export type Fields = Readonly<Record<string, unknown>>;

/** Undefined if the text is no JSON. Integers beyond 2^53 are bigint. */
export function parseJson(text: string): unknown {
  try {
    const json: unknown = JSON.parse(text); // first: what is marked is JSON then
    const marked = markIntegers(text);
    return marked === null ? json : JSON.parse(marked, reviveInteger);
  } catch {
    return undefined;
  }
}

export function isFields(json: unknown): json is Fields {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

export function stringOr<Otherwise>(json: unknown, otherwise: Otherwise): string | Otherwise {
  return typeof json === "string" ? json : otherwise;
}

export function numberOr<Otherwise>(json: unknown, otherwise: Otherwise): number | Otherwise {
  return typeof json === "number" && Number.isFinite(json) ? json : otherwise;
}

/** Unix time in milliseconds of a written time. */
export function timeOr<Otherwise>(json: unknown, otherwise: Otherwise): number | Otherwise {
  return typeof json === "string" ? numberOr(Date.parse(json), otherwise) : otherwise;
}

export function stringsOf(json: unknown): readonly string[] {
  return Array.isArray(json) ? (json as unknown[]).filter((item) => typeof item === "string") : [];
}

export function fieldsIn(json: unknown): readonly Fields[] {
  return Array.isArray(json) ? (json as unknown[]).filter(isFields) : [];
}
