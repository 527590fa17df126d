/** What the server answers to single questions: sources, rules, problems, records of the past. Types and guards. */
import { fieldsIn, isFields, numberOr, parseJson, stringOr, stringsOf } from "./guards.ts";
import type { Gap, Highlight, LogRecord } from "./protocol.ts";
import { HIGHLIGHTS, readGap, readRecord } from "./protocol.ts";

/** One entry of `GET api/v1/sources`. */
export interface Source {
  readonly name: string;
  readonly state: string | null;
  /** `format` is the one in which most of a file's last lines are; null before the first. */
  readonly files: readonly { readonly file: string; readonly state: string | null; readonly format: string | null }[];
  /** How many gaps were recorded in it since the service was started, and the last of them. */
  readonly gaps: number;
  readonly latestGaps: readonly Gap[];
}

/** An RFC 9457 problem; what is below `detail` comes with a query that was not understood. */
export interface Problem {
  readonly title: string | null;
  readonly detail: string | null;
  readonly column: number | null;
  readonly expected: string | null;
  /** What is wrong, for a page that has its own words for it, and what belongs to that. */
  readonly code?: string;
  readonly facts?: Readonly<Record<string, string | number>>;
}

/** The sources of `GET api/v1/sources`, or null if the answer has another form. */
export function parseSources(body: string): readonly Source[] | null {
  const json = parseJson(body);
  const list = isFields(json) ? json["sources"] : null;
  if (!Array.isArray(list)) return null;
  const sources: Source[] = [];
  for (const item of list as unknown[]) {
    if (!isFields(item) || typeof item["name"] !== "string") return null;
    sources.push({
      name: item["name"],
      state: stringOr(item["state"], null),
      files: filesOf(item["files"]),
      gaps: fieldsIn(item["losses"]).reduce((sum, loss) => sum + numberOr(loss["gaps"], 0), 0),
      latestGaps: fieldsIn(item["losses"]).flatMap((loss) => fieldsIn(loss["latest"]).map(readGap)),
    });
  }
  return sources;
}

function filesOf(json: unknown): Source["files"] {
  return fieldsIn(json).flatMap((item) =>
    typeof item["file"] === "string"
      ? [{ file: item["file"], state: stringOr(item["state"], null), format: stringOr(item["format"], null) }]
      : [],
  );
}

/** The colours in the rules of `GET api/v1/rules`, by the rule's name, or null if the answer has another form. */
export function parseHighlights(body: string): ReadonlyMap<string, Highlight> | null {
  const json = parseJson(body);
  const list = isFields(json) ? json["rules"] : null;
  if (!Array.isArray(list)) return null;
  return new Map(
    (list as unknown[]).flatMap((item) => {
      const colour = isFields(item) ? HIGHLIGHTS.find((known) => known === item["highlight"]) : undefined;
      return isFields(item) && typeof item["name"] === "string" && colour !== undefined ? [[item["name"], colour]] : [];
    }),
  );
}

/** The problem in an error answer's body; all null if the body is not one (a proxy's own page, for instance). */
export function parseProblem(body: string): Problem {
  const json = parseJson(body);
  const fields = isFields(json) ? json : {};
  const expected = fields["expected"];
  return {
    title: stringOr(fields["title"], null),
    detail: stringOr(fields["detail"], null),
    column: numberOr(fields["column"], null),
    expected: Array.isArray(expected) ? stringsOf(expected).join(", ") : stringOr(expected, null),
    ...(typeof fields["code"] === "string" ? { code: fields["code"], facts: factsOf(fields["facts"]) } : {}),
  };
}

function factsOf(json: unknown): Readonly<Record<string, string | number>> {
  const facts: Record<string, string | number> = {};
  for (const [name, fact] of Object.entries(isFields(json) ? json : {})) {
    if (typeof fact === "string" || typeof fact === "number") facts[name] = fact;
  }
  return facts;
}

/** The problem as one of a query that begins `shift` characters into the one that was asked. */
export function shiftedProblem(problem: Problem, shift: number): Problem {
  const { column, detail, facts = {} } = problem;
  if (column === null || shift === 0) return problem;
  const opened = facts["opened"];
  return {
    ...problem,
    column: column - shift,
    detail: detail?.replace(/\bcolumn (\d+)/g, (_, number: string) => `column ${Number(number) - shift}`) ?? null,
    facts: typeof opened === "number" ? { ...facts, opened: opened - shift } : facts,
  };
}

/** A page of `GET api/v1/records`. */
export interface RecordsPage {
  readonly records: readonly LogRecord[];
  readonly gaps: readonly Gap[];
  /** The last line that was looked at in the direction of the walk; who goes on there misses nothing. */
  readonly scannedTo: string | null;
  /** With `around`: the first line that was looked at. */
  readonly scannedFrom: string | null;
  readonly more: boolean;
}

/** Null if the answer has another form. */
export function parseRecords(body: string): RecordsPage | null {
  const json = parseJson(body);
  if (!isFields(json) || !Array.isArray(json["records"])) return null;
  const records: LogRecord[] = [];
  for (const item of fieldsIn(json["records"])) {
    const record = readRecord(item);
    if (record === null) return null;
    records.push(record);
  }
  return {
    records,
    gaps: fieldsIn(json["gaps"]).map(readGap),
    scannedTo: stringOr(json["scanned_to"], null),
    scannedFrom: stringOr(json["scanned_from"], null),
    more: json["more"] === true,
  };
}

/** What could stand in place of the characters from `start` to `end` (code points, from 0) of a query. */
export interface Completion {
  readonly text: string;
  readonly kind: string;
  readonly detail: string;
  readonly start: number;
  readonly end: number;
}

/** The completions of `GET api/v1/query`; none if the answer has another form. */
export function parseCompletions(body: string): readonly Completion[] {
  const json = parseJson(body);
  return fieldsIn(isFields(json) ? json["completions"] : null).flatMap((item) => {
    const { text, start, end } = item;
    if (typeof text !== "string" || typeof start !== "number" || typeof end !== "number") return [];
    return [{ text, start, end, kind: stringOr(item["kind"], ""), detail: stringOr(item["detail"], "") }];
  });
}
