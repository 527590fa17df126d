/** Lines as they are taken away: as text or as JSON, one a line. Pure, but for what the browser has selected. */
import type { Rows } from "./find.ts";
import { writeJson } from "./integers.ts";
import type { LogRecord } from "./protocol.ts";
import { visibleText } from "./segments.ts";
import type { RecordRow } from "./store.ts";

export type CopyForm = "text" | "json";

/** The rows from one key to another, both with it, in whatever order they are given. */
export interface KeySpan {
  readonly anchorKey: number;
  readonly focusKey: number;
}

export function isWithin({ anchorKey, focusKey }: KeySpan, key: number): boolean {
  return key >= Math.min(anchorKey, focusKey) && key <= Math.max(anchorKey, focusKey);
}

/** The lines of the rows in a span, those of folded traces with them, as far as they are held. */
export function rowsIn(rows: Rows, { anchorKey, focusKey }: KeySpan): readonly RecordRow[] {
  const found: RecordRow[] = [];
  for (let key = Math.min(anchorKey, focusKey); key <= Math.max(anchorKey, focusKey); key++) {
    const row = rows.rowAt(key);
    if (row?.kind === "record") found.push(row);
  }
  return found;
}

export function countLines(rows: readonly RecordRow[]): number {
  return rows.reduce((sum, { tail }) => sum + 1 + tail.length, 0);
}

export function written(rows: readonly RecordRow[], form: CopyForm): string {
  const lines = rows.flatMap(({ record, tail }) => [record, ...tail]);
  return lines.map(form === "json" ? jsonOf : textOf).join("\n");
}

function textOf({ text }: LogRecord): string {
  return visibleText(text);
}

function jsonOf(record: LogRecord): string {
  return writeJson(record);
}

/** The selected parts of lines without what stands beside them; null if no more than one line is selected. */
export function selectedText(selection: Selection | null, root: Element): string | null {
  if (selection === null || selection.isCollapsed || selection.rangeCount === 0) return null;
  const chosen = selection.getRangeAt(0);
  const parts: string[] = [];
  for (const line of root.querySelectorAll("[data-id] .text")) {
    if (!chosen.intersectsNode(line)) continue;
    const part = document.createRange();
    part.selectNodeContents(line);
    if (chosen.compareBoundaryPoints(Range.START_TO_START, part) > 0) {
      part.setStart(chosen.startContainer, chosen.startOffset);
    }
    if (chosen.compareBoundaryPoints(Range.END_TO_END, part) < 0) part.setEnd(chosen.endContainer, chosen.endOffset);
    parts.push(part.toString());
  }
  return parts.length > 1 ? parts.join("\n") : null;
}
