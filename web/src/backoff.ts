/**
 * How long to wait before the next connection: exponential back-off with full jitter, so that the clients of a server
 * that comes back do not all come back in one instant. Pure; the waiting itself is the stream's.
 */

export const FIRST_DELAY_MS = 1000;
export const LONGEST_DELAY_MS = 30_000;
/** A drawn delay of 0 ms would be a busy loop against a server that refuses at once. */
export const SHORTEST_DELAY_MS = 100;
/** A server may ask for patience, not for ever. */
export const LONGEST_RETRY_AFTER_MS = 10 * 60_000;

/** A delay of up to 1 s after the first failure, doubled with each further one in a row, at most 30 s. */
export function backoffDelayMs(failures: number, random: () => number): number {
  const ceiling = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(failures, 16));
  return Math.max(SHORTEST_DELAY_MS, random() * ceiling);
}

/** The one quick retry that a server asks for when it says `bye`. */
export function byeDelayMs(retryMs: number, random: () => number): number {
  return Math.max(SHORTEST_DELAY_MS, random() * Math.min(retryMs, LONGEST_DELAY_MS));
}

/** A `Retry-After` header's delay (RFC 9110, 10.2.3: seconds or a date) in ms from `nowMs` (Unix time); null if none. */
export function parseRetryAfterMs(header: string | null, nowMs: number): number | null {
  if (header === null) return null;
  const text = header.trim();
  const isSeconds = /^\d+$/.test(text);
  // A date begins with its weekday; `Date.parse` alone would take "-5" for a year.
  if (!isSeconds && !/^[A-Z]/i.test(text)) return null;
  const waitMs = isSeconds ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isNaN(waitMs) ? null : Math.min(LONGEST_RETRY_AFTER_MS, Math.max(0, waitMs));
}
