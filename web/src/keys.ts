/** Which key asks for what: none that the browser or a screen reader has for itself. Pure. */

export type Action =
  | "query"
  | "pause"
  | "next"
  | "previous"
  | "nextError"
  | "previousError"
  | "nextWarning"
  | "previousWarning"
  | "nextHit"
  | "previousHit"
  | "mark"
  | "nextMark"
  | "previousMark"
  | "oldest"
  | "newest"
  | "context"
  | "minuteBack"
  | "minuteOn"
  | "open"
  | "copy"
  | "copyJson"
  | "extendNext"
  | "extendPrevious"
  | "wrap"
  | "close"
  | "help";

/** Groups as the help shows them. The first key of each action is the one that is told. */
export const KEYS: readonly (readonly (readonly [keys: readonly string[], action: Action])[])[] = [
  [
    [["/"], "query"],
    [[" "], "pause"],
    [["G", "End"], "newest"],
    [["g", "Home"], "oldest"],
    [["?"], "help"],
    [["Escape"], "close"],
  ],
  [
    [["n"], "nextHit"],
    [["N"], "previousHit"],
    [["e"], "nextError"],
    [["E"], "previousError"],
    [["w"], "nextWarning"],
    [["W"], "previousWarning"],
  ],
  [
    [["j"], "next"],
    [["k"], "previous"],
    [["Enter"], "open"],
    [["J"], "extendNext"],
    [["K"], "extendPrevious"],
    [["y"], "copy"],
    [["Y"], "copyJson"],
    [["c"], "context"],
    [["v"], "wrap"],
  ],
  [
    [["m"], "mark"],
    [["u"], "nextMark"],
    [["U"], "previousMark"],
    [["["], "minuteBack"],
    [["]"], "minuteOn"],
  ],
];

const ACTIONS = new Map(KEYS.flat().flatMap(([keys, action]) => keys.map((key) => [key, action] as const)));

/** Whether a key is heard though the reader wants no shortcuts of single keys: it leads out of what is open. */
export function isAlwaysHeard(action: Action): boolean {
  return action === "close";
}

export interface Press {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
}

/** What a key asks for; null for keys that are the browser's, or typed into `target`. */
export function actionOf(press: Press, target: EventTarget | null): Action | null {
  if (press.ctrlKey || press.metaKey || press.altKey) return null;
  const action = ACTIONS.get(press.key) ?? null;
  if (action === "close") return action;
  const presses = press.key === " " || press.key === "Enter";
  const taken = presses
    ? "input, textarea, select, button, a, summary, [role=option]"
    : "input:not([type=checkbox]), textarea, select";
  return target instanceof Element && target.closest(taken) !== null ? null : action;
}
