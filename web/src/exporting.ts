/**
 * An export that comes in pieces (docs/wire.md), put together as one file. Owns the reading, how far it has come and how
 * much the page takes; saves nothing.
 */
import type { Problem } from "./answers.ts";
import { parseProblem } from "./answers.ts";
import { browserEnvironment } from "./environment.ts";
import { isFields, parseJson } from "./guards.ts";
import { leaveForLogin } from "./session.ts";

/** Files larger than this are left to the browser's own download, which holds none of them. */
export const MOST_FILE_BYTES = 1_000_000_000;
/** So much is held by the page itself; what came before is a Blob, which browsers may keep on the disk. */
const MOST_HELD_BYTES = 8 << 20;
/** A line before a piece is three numbers. */
const LONGEST_LINE_BYTES = 200;
/** After so long others have their turn. */
const SLICE_MS = 8;
const TELL_EVERY_MS = 100;
const LINE_END = 10;

/** Why there is no file: facts, of which each language makes its own words. */
export type ExportFailure =
  | { readonly kind: "cut" }
  | { readonly kind: "large"; readonly mostBytes: number }
  /** `status` is 0 if there was no answer. */
  | { readonly kind: "refused"; readonly status: number; readonly problem: Problem | null };

export class ExportError extends Error {
  readonly failure: ExportFailure;

  constructor(failure: ExportFailure) {
    super(`no export: ${failure.kind}`);
    this.name = "ExportError";
    this.failure = failure;
  }
}

type Bytes = Uint8Array<ArrayBuffer>;

/** Takes an answer apart, however it is split. */
export class PieceReader {
  /** From 0 to 1: how far the search has come. */
  share = 0;
  /** Whether the last line has come. */
  isWhole = false;
  #line = "";
  #leftBytes = 0;

  /** What is of the file in the next bytes of the answer. Raises ExportError if they are not what they should be. */
  *read(chunk: Bytes): Generator<Bytes> {
    for (let from = 0; from < chunk.length;) {
      if (this.isWhole) throw notPieces();
      if (this.#leftBytes > 0) {
        const content = chunk.subarray(from, from + this.#leftBytes);
        this.#leftBytes -= content.length;
        from += content.length;
        yield content;
      } else {
        from = this.#readLine(chunk, from);
      }
    }
  }

  /** The place after what belongs to the line. */
  #readLine(chunk: Bytes, from: number): number {
    const found = chunk.indexOf(LINE_END, from);
    const until = found === -1 ? chunk.length : found;
    if (this.#line.length + until - from > LONGEST_LINE_BYTES) throw notPieces();
    this.#line += String.fromCharCode(...chunk.subarray(from, until));
    if (found === -1) return until;
    const facts = parseJson(this.#line);
    const { at, end, bytes } = isFields(facts) ? facts : {};
    if (!isAmount(at) || !isAmount(end) || !isAmount(bytes) || at > end) throw notPieces();
    this.#line = "";
    this.#leftBytes = bytes;
    this.share = end === 0 ? 1 : at / end;
    this.isWhole = at === end && bytes === 0;
    return until + 1;
  }
}

function isAmount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** Something on the way answered, or the server is of another version. */
function notPieces(): ExportError {
  return new ExportError({ kind: "refused", status: 200, problem: null });
}

/** Whether this browser gives the page an answer while it comes. */
export function canReadPieces(): boolean {
  return typeof ReadableStream === "function" && "body" in Response.prototype;
}

export type TellProgress = (share: number, bytes: number) => void;

/** The file of `address`. Raises ExportError; an abort comes through as it is. */
export async function fetchExport(
  address: string,
  signal: AbortSignal,
  tell: TellProgress,
  mostBytes = MOST_FILE_BYTES,
): Promise<Blob> {
  const response = await answerOf(`${address}&progress=true`, signal);
  if (!response.ok || response.body === null) throw await refusal(response);
  const pieces = response.body.getReader();
  try {
    return await collected(pieces, tell, mostBytes);
  } catch (error) {
    // A network that goes away tells so in many ways.
    if (error instanceof ExportError || signal.aborted) throw error;
    throw new ExportError({ kind: "cut" });
  } finally {
    pieces.cancel().catch(() => undefined);
  }
}

async function answerOf(address: string, signal: AbortSignal): Promise<Response> {
  try {
    const headers = { Accept: "application/json" };
    return await fetch(address, { headers, credentials: "same-origin", cache: "no-store", signal });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new ExportError({ kind: "refused", status: 0, problem: null });
  }
}

async function refusal(response: Response): Promise<ExportError> {
  const copy = response.clone();
  await leaveForLogin(response);
  const problem = parseProblem(await copy.text().catch(() => ""));
  return new ExportError({ kind: "refused", status: response.status, problem });
}

async function collected(
  pieces: ReadableStreamDefaultReader<Bytes>,
  tell: TellProgress,
  mostBytes: number,
): Promise<Blob> {
  const reader = new PieceReader();
  const blobs: Blob[] = [];
  let held: Bytes[] = [];
  let heldBytes = 0;
  let bytes = 0;
  let [sliceMs, toldMs] = [performance.now(), 0];
  for (let next = await pieces.read(); !next.done; next = await pieces.read()) {
    for (const content of reader.read(next.value)) {
      held.push(content);
      heldBytes += content.length;
      bytes += content.length;
    }
    if (bytes > mostBytes) throw new ExportError({ kind: "large", mostBytes });
    if (heldBytes >= MOST_HELD_BYTES) {
      blobs.push(new Blob(held));
      [held, heldBytes] = [[], 0];
    }
    const nowMs = performance.now();
    if (nowMs - toldMs >= TELL_EVERY_MS) {
      tell(reader.share, bytes);
      toldMs = nowMs;
    }
    if (nowMs - sliceMs >= SLICE_MS) {
      await browserEnvironment.breathe();
      sliceMs = performance.now();
    }
  }
  if (!reader.isWhole) throw new ExportError({ kind: "cut" });
  return new Blob([...blobs, ...held]);
}
