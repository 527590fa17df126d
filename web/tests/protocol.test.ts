// @vitest-environment node
import { describe, expect, it } from "vitest";
import { parseProblem, parseSources } from "../src/answers.ts";
import { parseEvent, WireError } from "../src/protocol.ts";
import { wireRecord } from "./fakes.ts";

const parse = (type: string, json: unknown): ReturnType<typeof parseEvent> => parseEvent(type, JSON.stringify(json));

describe("an event", () => {
  it("hello carries the server's terms", () => {
    const resume = { from: "1.a.b.c", exact: false, reason: "the id is not known" };
    expect(parse("hello", { version: 1, heartbeat_seconds: 5, retry_ms: 1, sources: ["app"], resume })).toEqual({
      kind: "hello",
      hello: { heartbeatSeconds: 5, sources: ["app"], resume },
    });
  });

  it.each([0, -1, null, "15"])(
    "hello with a heartbeat of %j is read as 15 s: a watchdog must not fire at once",
    (seconds) => {
      expect(parse("hello", { heartbeat_seconds: seconds })).toMatchObject({ hello: { heartbeatSeconds: 15 } });
    },
  );

  it("line and a rule's type are records", () => {
    const record = { ...wireRecord("it <b>happened</b>", "1.a"), event: "http-5xx", level: "fatal", fields: { a: 1 } };
    expect(parse("line", record)).toEqual({ kind: "records", records: [record] });
    expect(parse("http-5xx", record)).toEqual({ kind: "records", records: [record] });
  });

  it("a record's optional parts have a meaning when they are missing or odd", () => {
    expect(parse("line", { source: "a", file: "b", text: "", level: "loud", fields: [], rules: [1, "r"] })).toEqual({
      kind: "records",
      records: [
        {
          id: null,
          source: "a",
          file: "b",
          time: null,
          level: null,
          event: "line",
          text: "",
          fields: null,
          rules: ["r"],
          cont: false,
        },
      ],
    });
  });

  it("gap may know nothing but its reason", () => {
    const unknown = { source: null, file: null, from: null, to: null, lines: null, bytes: null, reason: "unknown_id" };
    expect(parse("gap", unknown)).toEqual({
      kind: "gap",
      gap: { source: null, file: null, from: null, to: null, lines: null, bytes: null, reason: "unknown_id" },
    });
  });

  it("rotated and source tell of files", () => {
    expect(parse("rotated", { source: "app", file: "/a", to: "/a.1" })).toEqual({
      kind: "file",
      change: { kind: "rotated", source: "app", file: "/a", to: "/a.1", state: null, reason: null },
    });
    expect(parse("source", { source: "app", file: "/a", state: "unreadable", reason: "why" })).toMatchObject({
      change: { kind: "source", to: null, state: "unreadable", reason: "why" },
    });
  });

  it("of a type that a later version may have is unknown, whatever it carries", () => {
    expect(parse("weather", { sun: true })).toEqual({ kind: "unknown" });
    expect(parseEvent("weather", "sunny")).toEqual({ kind: "unknown" });
  });

  it.each(["hello", "line", "gap", "ping", "bye", "rotated", "source"])("%s that is no object is refused", (type) => {
    expect(() => parse(type, [1])).toThrow(WireError);
    expect(() => parseEvent(type, "{")).toThrow(WireError);
  });

  it.each([{}, [null], [{ text: "no source" }], "x"])("batch of %j is refused as a whole", (json) => {
    expect(() => parse("batch", json)).toThrow(WireError);
  });

  it("line without text is refused", () => {
    expect(() => parse("line", { source: "a", file: "b" })).toThrow(WireError);
  });
});

describe("the answers of the interface", () => {
  it("sources come with their files", () => {
    const body = {
      sources: [{ name: "app", labels: { env: "x" }, state: "ok", files: [{ file: "/a", state: "ok" }, { state: 1 }] }],
    };
    expect(parseSources(JSON.stringify(body))).toEqual([
      { name: "app", state: "ok", files: [{ file: "/a", state: "ok", format: null }], gaps: 0, latestGaps: [] },
    ]);
  });

  it("gaps of all reasons are counted together, and the latest are told", () => {
    const latest = { source: "app", file: "/a", from: 4, to: 13, lines: null, bytes: 9, reason: "deleted" };
    const losses = [
      { reason: "deleted", gaps: 2, bytes: 9, latest: [latest, "y"] },
      { reason: "truncated", gaps: 1, bytes: 0 },
      { gaps: "x" },
      7,
    ];
    const body = { sources: [{ name: "app", state: "ok", files: [], losses }] };
    const source = parseSources(JSON.stringify(body))?.[0];
    expect(source?.gaps).toBe(3);
    expect(source?.latestGaps).toEqual([latest]);
  });

  it.each(["", "[]", "{}", '{"sources":[{}]}', "<html>"])("sources of %j are none", (body) => {
    expect(parseSources(body)).toBeNull();
  });

  it("a problem names column and what was expected", () => {
    const body = JSON.stringify({ title: "Bad query", detail: "d", column: 3, expected: ["a word", ")"] });
    expect(parseProblem(body)).toEqual({ title: "Bad query", detail: "d", column: 3, expected: "a word, )" });
  });

  it("another server's page is a problem without words", () => {
    expect(parseProblem("<html>")).toEqual({ title: null, detail: null, column: null, expected: null });
  });
});
