/**
 * A line's text as pieces that are drawn alike: terminal colours (ECMA-48 SGR) and what the reader looks for. Pure; the
 * pieces are plain text with class names from a fixed set, so nothing in a line can become markup or style.
 */

export interface Segment {
  readonly text: string;
  /** Classes of this stylesheet, "" for plain text. */
  readonly classes: string;
}

/** Where something was found: [start, end) in the visible text. */
export type Span = readonly [start: number, end: number];

export interface Found {
  readonly spans: readonly Span[];
  /** Up to where a line that is long or hard to look through was looked at; null if all of it was. */
  readonly searchedTo: number | null;
}

export type Finder = (text: string) => Found;

// Escape sequences: CSI, OSC (ended by BEL or ST), and those of two characters.
const ESCAPES = /\u001b(?:\[([0-?]*)[ -/]*([@-~])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\^_])/g;

/** The text without its escape sequences: what a terminal would show. */
export function visibleText(text: string): string {
  return text.includes("\u001b") ? text.replace(ESCAPES, "") : text;
}

/** The pieces of a line, in their order; joined they are its visible text, in which the spans are marked. */
export function segmentsOf(text: string, spans: readonly Span[] = []): readonly Segment[] {
  const coloured = text.includes("\u001b") ? colouredPieces(text) : [{ text, classes: "" }];
  return spans.length === 0 ? coloured : withMarks(coloured, spans);
}

function colouredPieces(text: string): Segment[] {
  const pieces: Segment[] = [];
  const pen: Pen = { ink: null, ground: null, styles: new Set() };
  let end = 0;
  const push = (upTo: number): void => {
    if (upTo > end) pieces.push({ text: text.slice(end, upTo), classes: classesOf(pen) });
  };
  for (const match of text.matchAll(ESCAPES)) {
    push(match.index);
    end = match.index + match[0].length;
    if (match[2] === "m") applyCodes(pen, (match[1] ?? "").split(/[;:]/).map(Number));
  }
  push(text.length);
  return pieces;
}

interface Pen {
  ink: number | null;
  ground: number | null;
  readonly styles: Set<string>;
}

const STYLES: Readonly<Record<number, string>> = { 1: "bold", 2: "dim", 3: "italic", 4: "under", 9: "struck" };

function applyCodes(pen: Pen, codes: number[]): void {
  for (let index = 0; index < codes.length; index++) {
    const code = codes[index] ?? 0;
    const style = STYLES[code];
    if (code === 0) {
      pen.ink = pen.ground = null;
      pen.styles.clear();
    } else if (style !== undefined) pen.styles.add(style);
    else if (code === 22) ["bold", "dim"].forEach((name) => pen.styles.delete(name));
    else if (code === 23) pen.styles.delete("italic");
    else if (code === 24) pen.styles.delete("under");
    else if (code === 29) pen.styles.delete("struck");
    else if (code === 38 || code === 48) {
      const [colour, used] = extendedColour(codes.slice(index + 1));
      if (code === 38) pen.ink = colour;
      else pen.ground = colour;
      index += used;
    } else setBasic(pen, code);
  }
}

function setBasic(pen: Pen, code: number): void {
  if (code >= 30 && code <= 37) pen.ink = code - 30;
  else if (code === 39) pen.ink = null;
  else if (code >= 40 && code <= 47) pen.ground = code - 40;
  else if (code === 49) pen.ground = null;
  else if (code >= 90 && code <= 97) pen.ink = code - 90;
  else if (code >= 100 && code <= 107) pen.ground = code - 100;
}

/** 256 and 16 million colours as the nearest of eight: those can be read on light and on dark ground. */
function extendedColour(codes: readonly number[]): readonly [colour: number | null, used: number] {
  const [mode, first, green = 0, blue = 0] = codes;
  if (first === undefined) return [null, codes.length];
  if (mode === 2) return [nearest(first, green, blue), 4];
  if (mode !== 5) return [null, codes.length];
  if (first < 16) return [first % 8, 2];
  if (first >= 232) return [first < 244 ? 0 : 7, 2];
  const cube = first - 16;
  const step = (part: number): number => (part % 6) * 51;
  return [nearest(step(Math.floor(cube / 36)), step(Math.floor(cube / 6)), step(cube)), 2];
}

function nearest(red: number, green: number, blue: number): number {
  const middle = (Math.max(red, green, blue) + Math.min(red, green, blue)) / 2;
  if (Math.max(red, green, blue) - Math.min(red, green, blue) < 40) return middle < 128 ? 0 : 7;
  return (red > middle ? 1 : 0) + (green > middle ? 2 : 0) + (blue > middle ? 4 : 0);
}

function classesOf({ ink, ground, styles }: Pen): string {
  const classes = [...styles];
  if (ink !== null) classes.push(`ink-${ink}`);
  if (ground !== null) classes.push(`ground-${ground}`);
  return classes.join(" ");
}

function withMarks(pieces: readonly Segment[], spans: readonly Span[]): readonly Segment[] {
  const marked: Segment[] = [];
  let at = 0;
  let next = 0;
  for (const { text, classes } of pieces) {
    let done = 0;
    while (done < text.length) {
      while ((spans[next]?.[1] ?? Number.POSITIVE_INFINITY) <= at + done) next += 1;
      const [start, end] = spans[next] ?? [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
      const isHit = start <= at + done;
      const upTo = Math.min(text.length, (isHit ? end : start) - at);
      marked.push({ text: text.slice(done, upTo), classes: isHit ? `${classes} hit`.trim() : classes });
      done = upTo;
    }
    at += text.length;
  }
  return marked;
}
