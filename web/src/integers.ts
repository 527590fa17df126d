/**
 * Long integers in JSON. JSON.parse rounds what lies beyond 2^53, and logs are full of such numbers: ids of traces, orders
 * and users, which are looked at, copied and searched for. They are bigint here; in fields the server keeps up to 64 bits.
 * Pure; parsing itself is `guards`'.
 */

/** Whether there may be a long integer: all else is only for texts that have one. */
const LONG = /[:,[]\s*-?\d{16}/;
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const INTEGER = /^-?\d+$/;
/** The only key of an object that stands for an integer. */
const MARK = "\u0000";
const MARKED = /\{\s*"\\u0000":\s*"(-?\d+)"\s*\}/g;

/** JSON, of which that must be certain, with an object for `reviveInteger` in place of each long integer; null if it has none. */
export function markIntegers(json: string): string | null {
  if (!LONG.test(json)) return null;
  return json.replace(TOKENS, (token) =>
    INTEGER.test(token) && !Number.isSafeInteger(Number(token)) ? `{"\\u0000":"${token}"}` : token,
  );
}

/** For JSON.parse: long integers, and all else as it is. */
export function reviveInteger(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const digits: unknown = (value as Readonly<Record<string, unknown>>)[MARK];
  return typeof digits === "string" && INTEGER.test(digits) ? BigInt(digits) : value;
}

/** What JSON.stringify gives, which refuses bigint. */
export function writeJson(value: unknown, indent?: number): string {
  const marked = JSON.stringify(
    value,
    (_key, inner: unknown) => (typeof inner === "bigint" ? { [MARK]: String(inner) } : inner),
    indent,
  );
  return marked.replace(MARKED, "$1");
}
