/** What the drawer says of one line: fields by name, JSON in a form to be read, the place in the file. Pure. */
import { isFields, parseJson } from "./guards.ts";
import { writeJson } from "./integers.ts";
import type { LogRecord } from "./protocol.ts";

export interface FieldLine {
  /** Nested names are joined by dots, as queries name them. */
  readonly name: string;
  readonly value: unknown;
  readonly text: string;
}

const MOST_FIELDS = 200;
const DEEPEST = 4;

export function fieldLines(fields: Readonly<Record<string, unknown>> | null): readonly FieldLine[] {
  const found: FieldLine[] = [];
  const walk = (value: unknown, name: string, depth: number): void => {
    if (found.length >= MOST_FIELDS) return;
    if (isFields(value) && depth < DEEPEST && Object.keys(value).length > 0) {
      for (const [key, inner] of Object.entries(value)) walk(inner, name === "" ? key : `${name}.${key}`, depth + 1);
    } else found.push({ name, value, text: typeof value === "string" ? value : writeJson(value) });
  };
  if (fields !== null) walk(fields, "", 0);
  return found.filter(({ name }) => name !== "");
}

/** The JSON that a line holds, from its first brace to its last, indented; null if there is none. */
export function prettyJson(text: string): string | null {
  const start = text.search(/[{[]/);
  if (start === -1) return null;
  const end = Math.max(text.lastIndexOf("}"), text.lastIndexOf("]"));
  const json = parseJson(text.slice(start, end + 1));
  return typeof json === "object" && json !== null && Object.keys(json).length > 0 ? writeJson(json, 2) : null;
}

/** Where the line ends in its file, in bytes: an id is a place. Null for an id of another form. */
export function offsetOf(id: string | null): number | null {
  const [version, , offset = "", ...rest] = (id ?? "").split(".");
  if (version !== "1" || rest.length !== 1 || !/^[0-9a-z]+$/i.test(offset)) return null;
  const bytes = Number.parseInt(offset, 36);
  return Number.isSafeInteger(bytes) ? bytes : null;
}

/** The record as the wire has it. */
export function recordJson(record: LogRecord): string {
  return writeJson(record, 2);
}

/** The page's address for exactly this line. */
export function permalink(href: string, id: string): string {
  const address = new URL(href);
  address.search = "";
  address.hash = lineHash(id);
  return address.href;
}

export function lineHash(id: string): string {
  return `#/line/${encodeURIComponent(id)}`;
}

/** The id that a page's address names; null if it names none. */
export function readLineHash(hash: string): string | null {
  const found = /^#\/line\/(.+)$/.exec(hash)?.[1];
  if (found === undefined) return null;
  try {
    return decodeURIComponent(found);
  } catch {
    return null;
  }
}
