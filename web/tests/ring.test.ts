// @vitest-environment node
import { describe, expect, it } from "vitest";
import { Interned } from "../src/interned.ts";
import { JoinedPings } from "../src/joinedPings.ts";
import { unpackedEvent } from "../src/packed.ts";
import type { Ping, WireEvent } from "../src/protocol.ts";
import { EventRing } from "../src/ring.ts";
import { logRecord } from "./fakes.ts";

function records(first: number, end: number): Parameters<EventRing["add"]>[0] {
  const numbers = Array.from({ length: end - first }, (_, index) => first + index);
  return { kind: "records", records: numbers.map((number) => logRecord({ id: `i${number}`, text: `${number}` })) };
}

function textsOf(event: WireEvent): readonly string[] {
  return event.kind === "records" ? event.records.map(({ text }) => text) : [];
}

function textsFrom(ring: EventRing, place: ReturnType<EventRing["placeAfter"]>): readonly string[] {
  if (place === null) throw new Error("no place");
  const { told } = ring.from(place, 1000);
  return told.flatMap(({ event }) => textsOf(unpackedEvent(event, new Interned())));
}

function ping(gaps: number, completeSinceMs: number, timeMs = 10_000): Ping {
  return { timeMs, lagBytes: 0, sources: new Map([["app", { completeSinceMs, gaps }]]) };
}

describe("the last events of a stream", () => {
  it("go on after any of their lines, and after a position between them", () => {
    const ring = new EventRing();
    ring.add(records(0, 3), null);
    ring.reach("i2");
    ring.add({ kind: "ping", ping: ping(0, 0) }, "i2");
    ring.reach("i7");
    ring.add(records(8, 10), "i9");
    expect(textsFrom(ring, ring.placeAfter("i0"))).toEqual(["1", "2", "8", "9"]);
    expect(textsFrom(ring, ring.placeAfter("i2"))).toEqual(["8", "9"]);
    expect(textsFrom(ring, ring.placeAfter("i7"))).toEqual(["8", "9"]);
    expect(textsFrom(ring, ring.placeAfter("i9"))).toEqual([]);
    expect(ring.placeAfter("i5")).toBeNull();
  });

  it("are bounded, and a place that has left is known to have", () => {
    const ring = new EventRing(null, { lines: 10, characters: 1e6 });
    for (let first = 0; first < 100; first += 4) ring.add(records(first, first + 4), `i${first + 3}`);
    expect(ring.placeAfter("i50")).toBeNull();
    expect(ring.holds({ next: 3, skip: 0 })).toBe(false);
    expect(textsFrom(ring, ring.placeAfter("i95"))).toEqual(["96", "97", "98", "99"]);
    expect(ring.placeOfLast(5)).toMatchObject({ isWhole: false });
  });

  it("hold one event at least, however long it is", () => {
    const ring = new EventRing(null, { lines: 10, characters: 10 });
    ring.add({ kind: "records", records: [logRecord({ id: "i0", text: "x".repeat(1000) })] }, "i0");
    expect(textsFrom(ring, ring.placeOfLast(1).place)).toHaveLength(1);
  });
});

describe("pings of several connections", () => {
  it("count gaps as one connection does, whatever each of them counts from", () => {
    const pings = new JoinedPings();
    pings.begin();
    expect(pings.told(ping(1, 5)).sources.get("app")?.gaps).toBe(1);
    pings.join(null);
    expect(pings.told(ping(0, 5)).sources.get("app")?.gaps).toBe(1);
    expect(pings.told(ping(1, 5)).sources.get("app")?.gaps).toBe(2);
    pings.join(ping(7, 5));
    expect(pings.told(ping(7, 5)).sources.get("app")?.gaps).toBe(2);
    expect(pings.told(ping(8, 5)).sources.get("app")?.gaps).toBe(3);
  });

  it("claim nothing of the time before the middle in which one joined", () => {
    const pings = new JoinedPings();
    pings.beginWithin(ping(2, 1000));
    expect(pings.told(ping(2, 1000, 20_000)).sources.get("app")).toEqual({ completeSinceMs: 20_000, gaps: 0 });
    expect(pings.told(ping(3, 40_000, 41_000)).sources.get("app")).toEqual({ completeSinceMs: 40_000, gaps: 1 });
  });
});
