// @vitest-environment node
import { describe, expect, it } from "vitest";
import { Interned } from "../src/interned.ts";
import { aloneOf, packedEvent, packedFrom, unpackedEvent } from "../src/packed.ts";
import type { LogRecord, WireEvent } from "../src/protocol.ts";
import { logRecord } from "./fakes.ts";

const recordsOf = (event: WireEvent): readonly LogRecord[] => (event.kind === "records" ? event.records : []);
const sent = (records: readonly LogRecord[], interned = new Interned()): readonly LogRecord[] =>
  recordsOf(unpackedEvent(structuredClone(packedEvent({ kind: "records", records })), interned));
const plain = (records: readonly LogRecord[]): unknown => JSON.parse(JSON.stringify(records));
const NAMES = ["id", "source", "file", "time", "level", "event", "text", "fields", "rules", "cont"] as const;
const fieldsOf = (record: LogRecord | undefined): unknown[] => NAMES.map((name) => record?.[name]);

const AWKWARD: readonly LogRecord[] = [
  logRecord({ id: "a", text: "" }),
  logRecord({ id: null, text: "no place, no time", time: null, level: null }),
  logRecord({
    id: "b",
    text: "snow ☃ and \u{1f600} and a lone \ud83d",
    level: "error",
    source: "api",
    file: "/var/api",
  }),
  logRecord({ id: "c", text: "a\nb\r\u2028c\u0000", fields: { n: 1, deep: { list: [null] } }, cont: true }),
  logRecord({ id: "d", event: "http-5xx", rules: ["one", "two"] }),
  logRecord({ id: "e", event: "http-5xx", rules: ["one"], time: null }),
  logRecord({ id: "f", event: "http-5xx", rules: ["one", "two"], time: "2026-11-28T09:14:03.250+01:00" }),
];

describe("lines that are packed", () => {
  it("are the same lines once they are unpacked, in the same order", () => {
    expect(sent(AWKWARD).map(fieldsOf)).toEqual(AWKWARD.map(fieldsOf));
    expect(sent(AWKWARD.toReversed()).map(fieldsOf)).toEqual(AWKWARD.toReversed().map(fieldsOf));
    expect(sent([])).toEqual([]);
  });

  it("are written as JSON like any other line, its fields in the same order", () => {
    expect(sent(AWKWARD).map((record) => JSON.stringify(record))).toEqual(
      AWKWARD.map((record) => JSON.stringify(record)),
    );
  });

  it("stay apart however alike they are", () => {
    const alike = Array.from({ length: 600 }, (_, index) =>
      logRecord({ id: `i${index}`, text: "x".repeat(index % 3), rules: index % 2 === 0 ? [] : ["slow"] }),
    );
    expect(plain(sent(alike))).toEqual(alike);
  });

  it("have what many of them share once, also from one message to the next", () => {
    const interned = new Interned();
    const [one, two] = [0, 1].map(() => sent([logRecord({ id: "a" }), logRecord({ id: "b" })], interned));
    expect(packedEvent({ kind: "records", records: [logRecord({ id: "a" }), logRecord({ id: "b" })] })).toMatchObject({
      commons: [{ source: "app" }],
      times: ["2024-05-01T10:00:00.123+00:00"],
    });
    expect(one?.[0]?.rules).toBe(two?.[1]?.rules);
  });

  it("are plain objects once each is to stay alone, and say the same", () => {
    const alone = sent(AWKWARD).map(aloneOf);
    expect(alone).toEqual(AWKWARD);
    expect(alone.map((record) => Object.getPrototypeOf(record) as unknown)).toEqual(
      AWKWARD.map(() => Object.prototype),
    );
    expect(alone.map(aloneOf)).toEqual(alone);
  });

  it("can be told from any of them on", () => {
    const whole = packedEvent({ kind: "records", records: AWKWARD });
    if (whole.kind !== "packed") throw new Error("not packed");
    for (let skip = 0; skip <= AWKWARD.length; skip++) {
      const rest = recordsOf(unpackedEvent(packedFrom(whole, skip), new Interned()));
      expect(plain(rest)).toEqual(plain(AWKWARD.slice(skip)));
    }
  });

  it("are the only events that are", () => {
    const ping = { kind: "ping", ping: { timeMs: 5, lagBytes: 0, sources: new Map() } } as const;
    expect(unpackedEvent(packedEvent(ping), new Interned())).toBe(ping);
  });
});
