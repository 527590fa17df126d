// @vitest-environment node
import { describe, expect, it } from "vitest";
import { CompletenessAccount } from "../src/completeness.ts";
import type { Gap, WireEvent } from "../src/protocol.ts";
import { parseEvent } from "../src/protocol.ts";
import { en } from "../src/words/en.ts";
import { zh } from "../src/words/zh.ts";
import { logRecord } from "./fakes.ts";

const START = Date.UTC(2024, 4, 1, 10);
const GAP: Gap = { source: "app", file: "/a", from: 0, to: 9, lines: 3, bytes: 9, reason: "deleted" };

const hello = (exact = true): WireEvent =>
  parseEvent("hello", JSON.stringify({ sources: ["app", "nginx"], resume: { from: null, exact, reason: null } }));

/** What the server says `atSeconds`; its clock is five seconds ahead of the page's. */
function ping(atSeconds: number, sinceSeconds: number, gaps = 0, lagBytes = 0): WireEvent {
  const time = (seconds: number): string => new Date(START + 5000 + seconds * 1000).toISOString();
  const app = { complete_since: time(sinceSeconds), gaps };
  const sources = { app, nginx: { complete_since: time(0), gaps: 0 } };
  return parseEvent("ping", JSON.stringify({ time: time(atSeconds), lag_bytes: lagBytes, sources }));
}

/** An account that was told these events, each a second after the one before. */
function account(...events: readonly WireEvent[]): CompletenessAccount {
  const fresh = new CompletenessAccount();
  events.forEach((event, second) => {
    fresh.note(event, START + second * 1000);
  });
  return fresh;
}

const since = (told: CompletenessAccount, name = "app"): number | null => {
  const sinceMs = told.told.sources.get(name)?.sinceMs ?? null;
  return sinceMs === null ? null : (sinceMs - START - 5000) / 1000;
};

describe("completeness", () => {
  it("is unknown until the server says since when", () => {
    expect(since(account(hello()))).toBeNull();
    expect(since(account(hello(), ping(1, 0)))).toBe(0);
  });

  it("outlasts a connection that goes on exactly, which is counted", () => {
    const told = account(hello(), ping(1, 0), hello(), ping(3, 2), hello(), ping(5, 4));
    expect(since(told)).toBe(0);
    expect(told.told.reconnects).toBe(2);
  });

  it("begins anew where a connection could not go on exactly", () => {
    const lost: Gap = { ...GAP, source: null, file: null, from: null, to: null, lines: null, bytes: null };
    const told = account(hello(), ping(1, 0), hello(false), { kind: "gap", gap: lost }, ping(4, 2));
    expect([since(told), since(told, "nginx")]).toEqual([2, 0]);
    for (const { lost } of told.told.sources.values()) expect(lost).toEqual({ lines: 0, bytes: 0, unknownGaps: 1 });
  });

  it("begins anew at a gap, of its source alone, at once and then as the server says", () => {
    const told = account(hello(), ping(1, 0), { kind: "gap", gap: GAP });
    expect([since(told), since(told, "nginx")]).toEqual([2, 0]);
    told.note(ping(3, 1.5, 1), START + 3000);
    expect(since(told)).toBe(1.5);
    told.note(ping(4, 1.5, 1), START + 4000);
    expect(since(told)).toBe(1.5);
    expect(told.told.sources.get("app")?.lost.lines).toBe(3);
    expect(told.told.sources.get("nginx")?.lost.lines).toBe(0);
  });

  it("counts no stream that joins the past to the present as a connection that was lost", () => {
    const told = account(hello(), ping(1, 0), hello());
    told.noteAttached();
    told.note(hello(), START + 9000);
    expect(told.told.reconnects).toBe(1);
  });

  it("says how late lines are by the server's clock, once the past has been sent", () => {
    const written = (seconds: number): WireEvent => ({
      kind: "records",
      records: [logRecord({ time: new Date(START + 5000 + seconds * 1000).toISOString() })],
    });
    const told = account(hello(), written(-900), ping(2, 0, 0, 4096), written(-900), ping(4, 0), written(4.9));
    expect(told.told.sources.get("app")?.lagMs).toBe(100);
    expect(account(hello(), written(-900), ping(2, 0)).told.sources.get("app")?.lagMs).toBeNull();
  });

  it("is told anew once a second while lines come, so that it can be read", () => {
    const told = account(hello(), ping(1, 0));
    const before = told.told;
    told.note({ kind: "records", records: [logRecord()] }, START + 1500);
    expect(told.told).toBe(before);
    told.note({ kind: "records", records: [logRecord()] }, START + 2000);
    expect(told.told).not.toBe(before);
  });
});

describe("what was lost", () => {
  it.each([
    [{ lines: 0, bytes: 0, unknownGaps: 0 }, "0 lost", "无丢失"],
    [{ lines: 1204, bytes: 0, unknownGaps: 0 }, "1,204 lines lost", "丢失 1,204 行"],
    [{ lines: 1, bytes: 4096, unknownGaps: 0 }, "1 line and 4.1 kB lost", "丢失 1 行、4.1 kB"],
    [{ lines: 0, bytes: 0, unknownGaps: 2 }, "an unknown amount lost", "丢失 数量未知"],
  ])("%j is said", (lost, english, chinese) => {
    expect(en.lost(lost)).toBe(english);
    expect(zh.lost(lost)).toBe(chinese);
  });
});
