/**
 * For each source: since when all of it that matches has been shown here, what was lost, how late lines are and how many.
 * Pure: it is told each event and the time of its arrival, and knows neither connections nor words.
 *
 * The server begins its own account anew with each connection; one that goes on exactly goes on with this one too.
 */
import { RateMeter } from "./rates.ts";
import type { Gap, Hello, LogRecord, Ping, WireEvent } from "./protocol.ts";

/** What is known to be missing: amounts add up, and a gap of which no amount is known is counted. */
export interface Lost {
  readonly lines: number;
  /** Of gaps whose lines nobody counted. */
  readonly bytes: number;
  readonly unknownGaps: number;
}

export interface SourceCompleteness {
  /** Unix time in milliseconds, by the server's clock; null until the server has said it. */
  readonly sinceMs: number | null;
  readonly lost: Lost;
  /** From the newest line's own time to its arrival, by the server's clock; null if no line that came live told one. */
  readonly lagMs: number | null;
}

/** All of it at one moment. */
export interface Completeness {
  readonly sources: ReadonlyMap<string, SourceCompleteness>;
  /** How often this page came back to its server. */
  readonly reconnects: number;
  /** What the server has read and not yet sent. */
  readonly lagBytes: number;
  /** The server's last word, by its clock: what came before it is known to be here. */
  readonly untilMs: number | null;
}

export const NOTHING_LOST: Lost = { lines: 0, bytes: 0, unknownGaps: 0 };
export const NOTHING_KNOWN: Completeness = { sources: new Map(), reconnects: 0, lagBytes: 0, untilMs: null };

/** A figure that changes with each frame cannot be read. */
const READABLE_MS = 1000;

const UNKNOWN: SourceCompleteness = { sinceMs: null, lost: NOTHING_LOST, lagMs: null };

export class CompletenessAccount {
  /** Of lines that came live. */
  readonly rates = new RateMeter();
  #told: Completeness = NOTHING_KNOWN;
  #toldAtMs = Number.NEGATIVE_INFINITY;
  readonly #sources = new Map<string, SourceCompleteness>();
  /** Gaps that the server has counted in this connection. */
  readonly #gapsHere = new Map<string, number>();
  #connections = 0;
  #lagBytes = 0;
  #untilMs: number | null = null;
  /** What this clock is ahead of the server's, the shortest way of a ping included; null before the first. */
  #aheadMs: number | null = null;
  #isLive = false;

  /** The same object until something worth reading has changed. */
  get told(): Completeness {
    return this.#told;
  }

  /** Notes an event that arrived at `nowMs`, Unix time. */
  note(event: WireEvent, nowMs: number): void {
    if (event.kind === "hello") this.#noteHello(event.hello);
    else if (event.kind === "ping") this.#notePing(event.ping, nowMs);
    else if (event.kind === "gap") this.noteGap(event.gap, nowMs);
    else if (event.kind === "records") this.#noteRecords(event.records, nowMs);
    else return;
    if (event.kind !== "records" || nowMs - this.#toldAtMs >= READABLE_MS) this.#tell(nowMs);
  }

  /** Another stream begins where pages of the past have come to: that is no connection that was lost. */
  noteAttached(): void {
    this.#connections = Math.max(0, this.#connections - 1);
  }

  /** Notes what is missing; a gap of no source may be of any. */
  noteGap(gap: Gap, nowMs: number): void {
    // Until the server says, with its next ping, since when all is well again.
    const sinceMs = this.#aheadMs === null ? null : nowMs - this.#aheadMs;
    for (const name of gap.source === null ? [...this.#sources.keys()] : [gap.source]) {
      const before = this.#sources.get(name) ?? UNKNOWN;
      this.#sources.set(name, { ...before, sinceMs, lost: withGap(before.lost, gap) });
    }
  }

  #noteHello({ sources, resume }: Hello): void {
    this.#connections += 1;
    this.#isLive = false;
    this.#aheadMs = null;
    this.#gapsHere.clear();
    for (const name of sources) {
      const before = this.#sources.get(name) ?? UNKNOWN;
      this.#sources.set(name, resume.exact ? before : { ...before, sinceMs: null });
    }
  }

  #notePing({ timeMs, lagBytes, sources }: Ping, nowMs: number): void {
    this.#lagBytes = lagBytes;
    if (!this.#isLive && lagBytes === 0) {
      this.#isLive = true;
      this.rates.begin(nowMs);
    }
    if (timeMs !== null) {
      this.#untilMs = timeMs;
      this.#aheadMs = Math.min(this.#aheadMs ?? Number.POSITIVE_INFINITY, nowMs - timeMs);
    }
    for (const [name, { completeSinceMs, gaps }] of sources) {
      const before = this.#sources.get(name) ?? UNKNOWN;
      const isBroken = gaps > (this.#gapsHere.get(name) ?? 0);
      this.#gapsHere.set(name, gaps);
      if (before.sinceMs === null || isBroken) this.#sources.set(name, { ...before, sinceMs: completeSinceMs });
    }
  }

  #noteRecords(records: readonly LogRecord[], nowMs: number): void {
    if (!this.#isLive) return;
    const newest = new Map<string, string>();
    let begin = 0;
    records.forEach(({ source, time }, index) => {
      if (time !== null) newest.set(source, time);
      if (records[index + 1]?.source === source) return;
      this.rates.note(source, index + 1 - begin, nowMs);
      begin = index + 1;
    });
    if (this.#aheadMs === null) return;
    for (const [name, time] of newest) {
      const lagMs = nowMs - this.#aheadMs - Date.parse(time);
      const before = this.#sources.get(name);
      if (before !== undefined && !Number.isNaN(lagMs)) {
        this.#sources.set(name, { ...before, lagMs: Math.max(0, lagMs) });
      }
    }
  }

  #tell(nowMs: number): void {
    this.#toldAtMs = nowMs;
    this.#told = {
      sources: new Map(this.#sources),
      reconnects: Math.max(0, this.#connections - 1),
      lagBytes: this.#lagBytes,
      untilMs: this.#untilMs,
    };
  }
}

function withGap(lost: Lost, { lines, bytes }: Gap): Lost {
  if (lines !== null) return { ...lost, lines: lost.lines + lines };
  if (bytes !== null) return { ...lost, bytes: lost.bytes + bytes };
  return { ...lost, unknownGaps: lost.unknownGaps + 1 };
}
