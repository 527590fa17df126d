/** How the reader likes the page: kept in the browser, read with care, for anybody may have written there. Pure but for storage. */
import { MOST_COLUMNS } from "./columns.ts";
import { isFields, parseJson, stringsOf } from "./guards.ts";

export const TIME_MODES = ["local", "utc", "relative"] as const;
export const THEMES = ["system", "light", "dark"] as const;
export const LANGUAGES = ["system", "en", "zh"] as const;
export const FONT_SIZES = [11, 12, 13, 14, 16, 18] as const;

export interface Settings {
  readonly time: (typeof TIME_MODES)[number];
  readonly theme: (typeof THEMES)[number];
  readonly language: (typeof LANGUAGES)[number];
  readonly fontPx: (typeof FONT_SIZES)[number];
  readonly wrap: boolean;
  /** Whether stack traces begin folded. */
  readonly fold: boolean;
  /** Whether single keys do something: who speaks to the machine, or shakes, may want none of it (WCAG 2.1.4). */
  readonly shortcuts: boolean;
  /** Fields that stand in columns. */
  readonly columns: readonly string[];
}

export const USUAL: Settings = {
  time: "local",
  theme: "system",
  language: "system",
  fontPx: 13,
  wrap: true,
  fold: true,
  shortcuts: true,
  columns: [],
};

const KEY = "logstream.settings";
const HISTORY_KEY = "logstream.queries";
const MOST_QUERIES = 20;

/** What `text` says, as far as it can be used. */
export function readSettings(text: string | null): Settings {
  const json = parseJson(text ?? "");
  const found = isFields(json) ? json : {};
  return {
    time: oneOf(TIME_MODES, found["time"], USUAL.time),
    theme: oneOf(THEMES, found["theme"], USUAL.theme),
    language: oneOf(LANGUAGES, found["language"], USUAL.language),
    fontPx: oneOf(FONT_SIZES, found["fontPx"], USUAL.fontPx),
    wrap: typeof found["wrap"] === "boolean" ? found["wrap"] : USUAL.wrap,
    fold: typeof found["fold"] === "boolean" ? found["fold"] : USUAL.fold,
    shortcuts: typeof found["shortcuts"] === "boolean" ? found["shortcuts"] : USUAL.shortcuts,
    columns: stringsOf(found["columns"]).slice(0, MOST_COLUMNS),
  };
}

export function loadSettings(): Settings {
  return readSettings(load(KEY));
}

export function keepSettings(settings: Settings): void {
  keep(KEY, JSON.stringify(settings));
}

/** The queries asked last, the newest first. */
export function loadQueries(): readonly string[] {
  const json = parseJson(load(HISTORY_KEY) ?? "");
  return Array.isArray(json) ? json.filter((item) => typeof item === "string").slice(0, MOST_QUERIES) : [];
}

export function keepQuery(query: string): readonly string[] {
  const others = loadQueries().filter((other) => other !== query);
  const queries = [query, ...others].slice(0, MOST_QUERIES);
  keep(HISTORY_KEY, JSON.stringify(queries));
  return queries;
}

function load(key: string): string | null {
  try {
    return window.localStorage.getItem(key);
  } catch {
    // Storage is shut off: the page is as usual then.
    return null;
  }
}

function keep(key: string, text: string): void {
  try {
    window.localStorage.setItem(key, text);
  } catch {
    // Full or shut off: the choice lasts as long as the page.
  }
}

function oneOf<Choice>(choices: readonly Choice[], found: unknown, usual: Choice): Choice {
  return choices.find((choice) => choice === found) ?? usual;
}
