/**
 * The stream's types, and the guards that turn its events into them. It knows nothing of connections, cursors or views.
 * Field names follow the wire; units stand in them.
 */
import type { Fields } from "./guards.ts";
import { isFields, numberOr, parseJson, stringOr, stringsOf, timeOr } from "./guards.ts";

export const LEVELS = ["trace", "debug", "info", "warn", "error", "fatal"] as const;
export type Level = (typeof LEVELS)[number];

export const HIGHLIGHTS = ["red", "orange", "yellow", "green", "cyan", "blue", "purple", "grey"] as const;
/** A colour that a rule gives to lines. */
export type Highlight = (typeof HIGHLIGHTS)[number];

/** One line as a viewer gets it. `id` is null while the server cannot record positions. */
export interface LogRecord {
  readonly id: string | null;
  readonly source: string;
  readonly file: string;
  readonly time: string | null;
  readonly level: Level | null;
  readonly event: string;
  readonly text: string;
  readonly fields: Readonly<Record<string, unknown>> | null;
  readonly rules: readonly string[];
  readonly cont: boolean;
}

/** The first event of each connection: the server's terms, and where this stream begins. */
export interface Hello {
  readonly heartbeatSeconds: number;
  readonly sources: readonly string[];
  readonly resume: { readonly from: string | null; readonly exact: boolean; readonly reason: string | null };
}

/** Bytes that were promised and cannot be delivered. Null means: not known. */
export interface Gap {
  readonly source: string | null;
  readonly file: string | null;
  /** Offsets in the file; null where nobody knows. */
  readonly from: number | null;
  readonly to: number | null;
  readonly lines: number | null;
  readonly bytes: number | null;
  readonly reason: string;
}

/** A file was rotated, appeared, went away or became unreadable. */
export interface FileChange {
  readonly kind: "rotated" | "source";
  readonly source: string | null;
  readonly file: string | null;
  /** Where a rotated file lives now. */
  readonly to: string | null;
  /** What has become of the file: `following`, `missing`, `unreadable` ... */
  readonly state: string | null;
  readonly reason: string | null;
}

export interface Ping {
  /** Unix time in milliseconds, by the server's clock; null if it told none. */
  readonly timeMs: number | null;
  readonly lagBytes: number;
  /** By source: since when nothing of it was lost in this connection, and how many gaps there were. */
  readonly sources: ReadonlyMap<string, { readonly completeSinceMs: number | null; readonly gaps: number }>;
}

export interface Bye {
  readonly reason: string;
  readonly retryMs: number;
}

export type WireEvent =
  | { readonly kind: "hello"; readonly hello: Hello }
  | { readonly kind: "records"; readonly records: readonly LogRecord[] }
  | { readonly kind: "gap"; readonly gap: Gap }
  | { readonly kind: "file"; readonly change: FileChange }
  | { readonly kind: "ping"; readonly ping: Ping }
  | { readonly kind: "bye"; readonly bye: Bye }
  | { readonly kind: "unknown" };

/** An event that the wire format promises did not have its form. */
export class WireError extends Error {
  readonly event: string;

  constructor(event: string) {
    super(`the server sent a "${event}" event that this page does not understand`);
    this.name = "WireError";
    this.event = event;
  }
}

const DEFAULT_HEARTBEAT_SECONDS = 15;
const DEFAULT_RETRY_MS = 2000;

/**
 * The event with this type and this data. A type that is not the wire's own is a rule's: its data is a record, or else
 * it is a later version's event and `unknown`. Throws WireError if an event of the wire's own types has another form.
 */
export function parseEvent(type: string, data: string): WireEvent {
  const event = guardEvent(type, parseJson(data));
  if (event === null) throw new WireError(type);
  return event;
}

function guardEvent(type: string, json: unknown): WireEvent | null {
  if (type === "batch") return guardBatch(json);
  if (!isFields(json)) return isOwnType(type) ? null : { kind: "unknown" };
  switch (type) {
    case "hello":
      return { kind: "hello", hello: readHello(json) };
    case "ping":
      return { kind: "ping", ping: readPing(json) };
    case "bye":
      return {
        kind: "bye",
        bye: { reason: stringOr(json["reason"], "going down"), retryMs: numberOr(json["retry_ms"], DEFAULT_RETRY_MS) },
      };
    case "gap":
      return { kind: "gap", gap: readGap(json) };
    case "rotated":
    case "source":
      return { kind: "file", change: readFileChange(json, type) };
    default: {
      const record = readRecord(json);
      if (record !== null) return { kind: "records", records: [record] };
      return isOwnType(type) ? null : { kind: "unknown" };
    }
  }
}

function isOwnType(type: string): boolean {
  return ["hello", "line", "batch", "gap", "rotated", "source", "ping", "bye"].includes(type);
}

function guardBatch(json: unknown): WireEvent | null {
  if (!Array.isArray(json)) return null;
  const records: LogRecord[] = [];
  for (const item of json as unknown[]) {
    const record = isFields(item) ? readRecord(item) : null;
    if (record === null) return null;
    records.push(record);
  }
  return { kind: "records", records };
}

export function readRecord(json: Fields): LogRecord | null {
  const { source, file, text, fields, rules } = json;
  if (typeof source !== "string" || typeof file !== "string" || typeof text !== "string") return null;
  return {
    id: stringOr(json["id"], null),
    source,
    file,
    time: stringOr(json["time"], null),
    level: LEVELS.find((level) => level === json["level"]) ?? null,
    event: stringOr(json["event"], "line"),
    text,
    fields: isFields(fields) ? fields : null,
    rules: stringsOf(rules),
    cont: json["cont"] === true,
  };
}

function readHello(json: Fields): Hello {
  const resume = isFields(json["resume"]) ? json["resume"] : {};
  const heartbeat = numberOr(json["heartbeat_seconds"], DEFAULT_HEARTBEAT_SECONDS);
  return {
    heartbeatSeconds: heartbeat > 0 ? heartbeat : DEFAULT_HEARTBEAT_SECONDS,
    sources: stringsOf(json["sources"]),
    resume: {
      from: stringOr(resume["from"], null),
      exact: resume["exact"] !== false,
      reason: stringOr(resume["reason"], null),
    },
  };
}

function readPing(json: Fields): Ping {
  const sources = Object.entries(isFields(json["sources"]) ? json["sources"] : {}).flatMap(([name, told]) => {
    if (!isFields(told)) return [];
    return [
      [name, { completeSinceMs: timeOr(told["complete_since"], null), gaps: numberOr(told["gaps"], 0) }] as const,
    ];
  });
  return {
    timeMs: timeOr(json["time"], null),
    lagBytes: numberOr(json["lag_bytes"], 0),
    sources: new Map(sources),
  };
}

export function readGap(json: Fields): Gap {
  return {
    source: stringOr(json["source"], null),
    file: stringOr(json["file"], null),
    from: numberOr(json["from"], null),
    to: numberOr(json["to"], null),
    lines: numberOr(json["lines"], null),
    bytes: numberOr(json["bytes"], null),
    reason: stringOr(json["reason"], "unknown"),
  };
}

function readFileChange(json: Fields, kind: FileChange["kind"]): FileChange {
  return {
    kind,
    source: stringOr(json["source"], null),
    file: stringOr(json["file"], null),
    to: stringOr(json["to"], null),
    state: stringOr(json["state"], null),
    reason: stringOr(json["reason"], null),
  };
}
