/**
 * Finds a pattern in a text in time that is bounded: by sets of states, where a browser's own engine tries one way after
 * the other, for seconds or for ever, and cannot be stopped. Matches are those of such an engine: the leftmost, the
 * first choice before the second. Pure; the syntax is `patterns.ts`'.
 */
import type { CharacterTest, Pattern, PlaceTest, Repeat } from "./patterns.ts";
import type { Span } from "./segments.ts";

/** More are no expression that somebody wrote by hand. */
const MOST_INSTRUCTIONS = 1000;
const ASCII = 128;

/** What matching may cost yet, counted in states that are looked at; shared by all that look at the same text. */
export interface Steps {
  left: number;
}

interface Take {
  readonly kind: "take";
  readonly test: CharacterTest;
  /** What `test` says of the first characters. */
  readonly isAscii: Uint8Array;
}

/** Goes on at both, the first of them preferred; at one where both are the same. */
interface Fork {
  readonly kind: "fork";
  first: number;
  second: number;
}

type Instruction = Take | Fork | { readonly kind: "check"; readonly test: PlaceTest } | { readonly kind: "match" };

/** States in the order in which they are preferred, and where what led to each began. */
interface States {
  count: number;
  readonly at: Int32Array;
  readonly began: Int32Array;
}

/** Null for a pattern that is too large. */
export function matcherOf(pattern: Pattern): Matcher | null {
  const program: Instruction[] = [];
  return compile(pattern, program) && program.push({ kind: "match" }) <= MOST_INSTRUCTIONS
    ? new Matcher(program)
    : null;
}

export class Matcher {
  readonly #program: readonly Instruction[];
  /** Of which characters a match can begin with; null if that is not to be said. */
  readonly #begins: Uint8Array | null;
  /** In which round a state was last added: once in each is enough. */
  readonly #rounds: Float64Array;
  #round = 0;
  #now: States;
  #next: States;
  #text = "";
  #steps: Steps = { left: 0 };

  constructor(program: readonly Instruction[]) {
    this.#program = program;
    this.#begins = beginsOf(program);
    this.#rounds = new Float64Array(program.length);
    this.#now = newStates(program.length);
    this.#next = newStates(program.length);
  }

  /** Adds matches that are not empty to `spans`, at most so many; says up to where the text was looked through. */
  find(text: string, spans: Span[], mostSpans: number, steps: Steps): number {
    this.#text = text;
    this.#steps = steps;
    let from = 0;
    while (from <= text.length && spans.length < mostSpans) {
      const found = this.#first(from);
      if (found === null) return steps.left > 0 ? text.length : from;
      const [begin, end] = found;
      if (end > begin) spans.push(found);
      from = end > begin ? end : end + 1;
    }
    return Math.min(from, text.length);
  }

  /** The first match from a place on; null if there is none, or no more steps are left to find it. */
  #first(from: number): Span | null {
    let found: Span | null = null;
    let at = from;
    this.#now.count = 0;
    while (this.#steps.left > 0) {
      if (found === null) {
        if (this.#now.count === 0) {
          at = this.#nextBegin(at);
          this.#round += 1;
        }
        this.#add(this.#now, 0, at, at);
      }
      const code = this.#text.codePointAt(at);
      const width = code !== undefined && code > 0xffff ? 2 : 1;
      found = this.#advance(at, code, at + width) ?? found;
      if (this.#now.count === 0 && (found !== null || code === undefined)) return found;
      at += width;
    }
    return null;
  }

  /** Takes one character; the match that ends before it, if there is one: nothing that is less preferred goes on then. */
  #advance(at: number, code: number | undefined, nextAt: number): Span | null {
    const { count, at: states, began } = this.#now;
    let found: Span | null = null;
    this.#next.count = 0;
    this.#round += 1;
    for (let index = 0; index < count && found === null; index++) {
      const state = states[index] ?? 0;
      const instruction = this.#program[state];
      if (instruction?.kind === "match") found = [began[index] ?? 0, at];
      else if (instruction?.kind === "take" && code !== undefined && takes(instruction, code)) {
        this.#add(this.#next, state + 1, began[index] ?? 0, nextAt);
      }
    }
    [this.#now, this.#next] = [this.#next, this.#now];
    return found;
  }

  /** Adds a state, and for those that take no character the ones behind them. */
  #add(states: States, state: number, began: number, at: number): void {
    this.#steps.left -= 1;
    if (this.#rounds[state] === this.#round) return;
    this.#rounds[state] = this.#round;
    const instruction = this.#program[state];
    if (instruction?.kind === "fork") {
      this.#add(states, instruction.first, began, at);
      if (instruction.second !== instruction.first) this.#add(states, instruction.second, began, at);
    } else if (instruction?.kind === "check") {
      if (instruction.test(this.#text, at)) this.#add(states, state + 1, began, at);
    } else {
      states.at[states.count] = state;
      states.began[states.count] = began;
      states.count += 1;
    }
  }

  /** Where from here a match can begin; the end of the text if nowhere. */
  #nextBegin(from: number): number {
    if (this.#begins === null) return from;
    for (let at = from; at < this.#text.length; at++) {
      const unit = this.#text.charCodeAt(at);
      if (unit >= ASCII || this.#begins[unit] === 1) return at;
    }
    return this.#text.length;
  }
}

function newStates(size: number): States {
  return { count: 0, at: new Int32Array(size), began: new Int32Array(size) };
}

function takes({ isAscii, test }: Take, code: number): boolean {
  return code < ASCII ? isAscii[code] === 1 : test(code);
}

/** Appends what a pattern comes to; false if it is too large. */
function compile(pattern: Pattern, program: Instruction[]): boolean {
  if (program.length > MOST_INSTRUCTIONS) return false;
  switch (pattern.kind) {
    case "character":
      program.push({ kind: "take", isAscii: asciiOf(pattern.test), test: pattern.test });
      return true;
    case "place":
      program.push({ kind: "check", test: pattern.test });
      return true;
    case "sequence":
      return pattern.parts.every((part) => compile(part, program));
    case "choice":
      return compileChoice(pattern.parts, program);
    case "repeat":
      return compileRepeat(pattern, program);
  }
}

/** Each but the last behind a fork that leads to the next; at its end a fork whose ways both lead behind them all. */
function compileChoice(parts: readonly Pattern[], program: Instruction[]): boolean {
  const ends: Fork[] = [];
  const isDone = parts.every((part, index) => {
    if (index === parts.length - 1) return compile(part, program);
    const fork = addFork(program);
    fork.first = program.length;
    if (!compile(part, program)) return false;
    ends.push(addFork(program));
    fork.second = program.length;
    return true;
  });
  for (const end of ends) end.first = end.second = program.length;
  return isDone;
}

/** As often as it must, and then each time behind a fork that leads out. */
function compileRepeat({ part, least, most, isLazy }: Repeat, program: Instruction[]): boolean {
  const isEndless = most === Number.POSITIVE_INFINITY;
  const skips: (readonly [fork: Fork, inner: number])[] = [];
  for (let count = 0; count < (isEndless ? least + 1 : most); count++) {
    if (count >= least) {
      const fork = addFork(program);
      skips.push([fork, program.length]);
    }
    if (!compile(part, program)) return false;
  }
  const [loop] = skips;
  if (isEndless && loop !== undefined) {
    const back = addFork(program);
    back.first = back.second = loop[1] - 1;
  }
  for (const [fork, inner] of skips)
    [fork.first, fork.second] = isLazy ? [program.length, inner] : [inner, program.length];
  return true;
}

function addFork(program: Instruction[]): Fork {
  const fork: Fork = { kind: "fork", first: 0, second: 0 };
  program.push(fork);
  return fork;
}

function asciiOf(test: CharacterTest): Uint8Array {
  return Uint8Array.from({ length: ASCII }, (_, code) => (test(code) ? 1 : 0));
}

/** Null if a match may be empty: it begins anywhere. What may hold or not is taken to hold. */
function beginsOf(program: readonly Instruction[]): Uint8Array | null {
  const begins = new Uint8Array(ASCII);
  const seen = new Set<number>();
  const open = [0];
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    if (seen.has(state)) continue;
    seen.add(state);
    const instruction = program[state];
    if (instruction?.kind === "match") return null;
    if (instruction?.kind === "fork") open.push(instruction.first, instruction.second);
    else if (instruction?.kind === "check") open.push(state + 1);
    else if (instruction?.kind === "take")
      instruction.isAscii.forEach((isTaken, code) => {
        if (isTaken === 1) begins[code] = 1;
      });
  }
  return begins;
}
