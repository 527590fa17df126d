/**
 * The last events of one stream, each with the position behind it: what somebody who comes later or lags is told from.
 * Bounded; what is too much leaves at the old end. Lines are held as they are sent to a tab: a few large pieces, which cost
 * the collector of garbage less than many small ones. Pure: it knows neither tabs nor connections.
 */
import type { PackedEvent } from "./packed.ts";
import { packedEvent, packedFrom } from "./packed.ts";
import type { Hello, Ping, WireEvent } from "./protocol.ts";

export interface Told {
  readonly event: PackedEvent;
  /** The id that stands behind the event; null as long as the stream has none. */
  readonly cursor: string | null;
}

/** A place between two records: the number of the next event, and how many of its records lie before the place. */
export interface Place {
  readonly next: number;
  readonly skip: number;
}

export interface RingBounds {
  /** Lines; an event without any counts as one. */
  readonly lines: number;
  readonly characters: number;
}

/** Two seconds of a very busy log; a lagging tab goes on by itself beyond that. */
export const RING_BOUNDS: RingBounds = { lines: 20_000, characters: 8 * 1024 * 1024 };

export class EventRing {
  readonly #bounds: RingBounds;
  #told: Told[] = [];
  #head = 0;
  #firstNumber = 0;
  #lines = 0;
  #characters = 0;
  #hello: Hello | null = null;
  #ping: Ping | null = null;
  /** The position before the first event that is here. */
  #start: string | null;

  /** `start` is the position behind which the first event will be. */
  constructor(start: string | null = null, bounds: RingBounds = RING_BOUNDS) {
    this.#start = start;
    this.#bounds = bounds;
  }

  /** Where the next event will be. */
  get end(): Place {
    return { next: this.#endNumber, skip: 0 };
  }

  add(event: WireEvent, cursor: string | null): void {
    const held = packedEvent(event);
    this.#told.push({ event: held, cursor });
    this.#weigh(held, 1);
    while (this.#told.length - this.#head > 1 && this.#isOverBounds()) this.#dropOldest();
  }

  /** The newest event stands before this position. */
  reach(cursor: string | null): void {
    const last = this.#told.at(-1);
    if (last !== undefined) this.#told[this.#told.length - 1] = { event: last.event, cursor };
  }

  /** Whether all from the place on is still here. */
  holds({ next }: Place): boolean {
    return next >= this.#firstNumber;
  }

  /** The place behind the record or the position with this id; null if it is not (or no more) here. */
  placeAfter(id: string): Place | null {
    for (let number = this.#endNumber - 1; number >= this.#firstNumber; number--) {
      const told = this.#at(number);
      if (told === undefined) continue;
      if (told.cursor === id) return { next: number + 1, skip: 0 };
      if (told.event.kind !== "packed") continue;
      const { ids } = told.event;
      const index = ids.lastIndexOf(id);
      if (index !== -1)
        return index + 1 < ids.length ? { next: number, skip: index + 1 } : { next: number + 1, skip: 0 };
    }
    return id === this.#start ? { next: this.#firstNumber, skip: 0 } : null;
  }

  /**
   * The newest place from which at least so many lines follow, else the first there is; `isWhole` says that nothing has
   * ever been before it.
   */
  placeOfLast(lines: number): { readonly place: Place; readonly isWhole: boolean } {
    let number = this.#endNumber;
    for (let found = 0; found < lines && number > this.#firstNumber; number--)
      found += linesIn(this.#at(number - 1)?.event);
    return { place: { next: number, skip: 0 }, isWhole: number === 0 };
  }

  /** The events from a place on, of about so many lines (one event at least, if there is one), and the place behind. */
  from({ next, skip }: Place, mostLines: number): { readonly told: readonly Told[]; readonly place: Place } {
    const told: Told[] = [];
    let number = Math.max(next, this.#firstNumber);
    for (let lines = 0; lines < mostLines && number < this.#endNumber; number++) {
      const here = this.#at(number);
      if (here === undefined) break;
      told.push(number === next && skip > 0 ? without(here, skip) : here);
      lines += linesIn(here.event);
    }
    return { told, place: { next: number, skip: 0 } };
  }

  /** The last hello, the last ping and the position before a place. */
  before({ next }: Place): {
    readonly hello: Hello | null;
    readonly ping: Ping | null;
    readonly cursor: string | null;
  } {
    let hello: Hello | null = null;
    let ping: Ping | null = null;
    for (let number = next - 1; number >= this.#firstNumber && (hello === null || ping === null); number--) {
      const event = this.#at(number)?.event;
      if (event?.kind === "hello") hello ??= event.hello;
      if (event?.kind === "ping") ping ??= event.ping;
    }
    return {
      hello: hello ?? this.#hello,
      ping: ping ?? this.#ping,
      cursor: next > this.#firstNumber ? (this.#at(next - 1)?.cursor ?? null) : this.#start,
    };
  }

  get #endNumber(): number {
    return this.#firstNumber + this.#told.length - this.#head;
  }

  #at(number: number): Told | undefined {
    return number < this.#firstNumber ? undefined : this.#told[this.#head + number - this.#firstNumber];
  }

  #weigh(event: PackedEvent, by: 1 | -1): void {
    this.#lines += by * linesIn(event);
    if (event.kind === "packed") this.#characters += by * event.texts.length;
  }

  #isOverBounds(): boolean {
    return this.#lines > this.#bounds.lines || this.#characters > this.#bounds.characters;
  }

  #dropOldest(): void {
    const { event, cursor = null } = this.#told[this.#head] ?? {};
    this.#start = cursor;
    if (event !== undefined) this.#weigh(event, -1);
    if (event?.kind === "hello") this.#hello = event.hello;
    if (event?.kind === "ping") this.#ping = event.ping;
    this.#head += 1;
    this.#firstNumber += 1;
    // Moving the events down at half costs one move an event over its life.
    if (this.#head * 2 >= this.#told.length) {
      this.#told = this.#told.slice(this.#head);
      this.#head = 0;
    }
  }
}

function linesIn(event: PackedEvent | undefined): number {
  return event?.kind === "packed" ? Math.max(1, event.ids.length) : 1;
}

function without({ event, cursor }: Told, skip: number): Told {
  return { event: event.kind === "packed" ? packedFrom(event, skip) : event, cursor };
}
