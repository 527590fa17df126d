// @vitest-environment node
import { describe, expect, it } from "vitest";
import type { Problem } from "../src/answers.ts";
import type { Gap } from "../src/protocol.ts";
import type { StreamState } from "../src/stream.ts";
import {
  bytesInWords,
  failureInWords,
  fileChangeInWords,
  gapInWords,
  resumeInWords,
  splitAtColumn,
  stateInWords,
  stopAdvice,
} from "../src/words.ts";

const NO_WORDS: Problem = { title: null, detail: null, column: null, expected: null };
const stopped = (status: number, problem: Partial<Problem> = {}): StreamState => ({
  kind: "stopped",
  status,
  problem: { ...NO_WORDS, ...problem },
});

describe("words", () => {
  it.each<[StreamState, string]>([
    [{ kind: "connecting" }, "connecting"],
    [{ kind: "catching-up", lagBytes: null }, "catching up"],
    [{ kind: "catching-up", lagBytes: 12_345_678 }, "catching up, 12 MB behind"],
    [{ kind: "live" }, "live"],
    [{ kind: "gap" }, "gap"],
    [{ kind: "waiting", until: 3400, why: "x" }, "reconnecting in 3 s"],
    [{ kind: "waiting", until: 100, why: "x" }, "reconnecting in 0 s"],
    [stopped(400, { column: 3 }), "stopped: query not understood"],
    [stopped(401), "stopped: sign in first"],
    [stopped(404, { title: "Unknown source" }), "stopped: Unknown source"],
    [stopped(204), "stopped: the server ended the stream"],
    [stopped(418), "stopped: status 418"],
  ])("for the state %j are %j", (state, words) => {
    expect(stateInWords(state, 500)).toBe(words);
  });

  it.each([
    [0, "0 bytes"],
    [1, "1 byte"],
    [999, "999 bytes"],
    [1000, "1.0 kB"],
    [9960, "10 kB"],
    [999_499, "999 kB"],
    [999_600, "1.0 MB"],
    [5e15, "5,000 TB"],
  ])("for %i bytes are %j", (bytes, words) => {
    expect(bytesInWords(bytes)).toBe(words);
  });

  it.each<[Partial<Gap>, string]>([
    [
      { lines: 1234, bytes: 56_000, file: "/var/log/a.log", reason: "deleted" },
      "1,234 lines (56 kB) are missing here from /var/log/a.log: the file was deleted before they were read.",
    ],
    [
      { lines: 1, source: "app", reason: "truncated" },
      "1 line is missing here from app: the file was cut short before they were read.",
    ],
    [{ bytes: 900, reason: "corrupt" }, "900 bytes are missing here: the file is damaged there."],
    [{ reason: "unknown_id" }, "Lines may be missing here: the server does not know the place where this page was."],
    [
      { file: "/a", from: 1200, to: 2100, bytes: 900, reason: "corrupt" },
      "900 bytes are missing here from /a, bytes 1,200 to 2,100: the file is damaged there.",
    ],
    [
      { file: "/a", from: 1200, reason: "deleted" },
      "Lines may be missing here from /a, from byte 1,200 on: the file was deleted before they were read.",
    ],
    [
      { file: "/a", to: 1200, reason: "index_lost" },
      "Lines may be missing here from /a, up to byte 1,200: the server lost its record of what it had sent.",
    ],
    [{ reason: "eaten" }, "Lines may be missing here: eaten."],
  ])("for the gap %j are %j", (gap, words) => {
    const nothing: Gap = { source: null, file: null, from: null, to: null, lines: null, bytes: null, reason: "" };
    expect(gapInWords({ ...nothing, ...gap })).toBe(words);
  });

  it("for a file say what happened to it", () => {
    const change = { kind: "rotated", source: "app", file: "/a.log", to: null, state: null, reason: null } as const;
    expect(fileChangeInWords(change)).toBe("/a.log was rotated");
    expect(fileChangeInWords({ ...change, to: "/a.log.1" })).toBe("/a.log was rotated to /a.log.1");
    const state = { ...change, kind: "source" } as const;
    expect(fileChangeInWords({ ...state, state: "following" })).toBe("/a.log is being followed");
    expect(fileChangeInWords({ ...state, state: "unreadable", reason: "Permission denied" })).toBe(
      "/a.log cannot be read: Permission denied",
    );
    expect(fileChangeInWords({ ...state, state: "frozen", file: null })).toBe("app is frozen");
  });

  it("for a resumption name the server's reason, if it has one", () => {
    expect(resumeInWords({ from: null, exact: false, reason: "the id is not known" })).toContain("the id is not known");
    expect(resumeInWords({ from: null, exact: false, reason: null })).toContain("no reason");
  });

  it("for a page of the past that cannot be had name no parameter of the request", () => {
    const problem = { title: "No such id", column: null, expected: null };
    const detail = "around='1.2.3.4': this id is not known";
    expect(failureInWords({ status: 404, problem: { ...problem, detail } })).toBe("this id is not known");
    expect(failureInWords({ status: 404, problem: { ...problem, detail: null } })).toBe("No such id");
    expect(failureInWords({ status: 502, problem: null })).toBe("the server answered 502");
    expect(failureInWords({ status: 0, problem: null })).toBe("the server cannot be reached");
  });

  it("of advice say what to do next for each status", () => {
    for (const status of [204, 400, 401, 403, 404, 410, 414]) expect(stopAdvice(status)).toMatch(/\.$/);
  });
});

describe("a query's mistake", () => {
  it.each([
    [1, { before: "", at: "a", after: "\u{1F600}b" }],
    [2, { before: "a", at: "\u{1F600}", after: "b" }],
    [4, { before: "a\u{1F600}b", at: " ", after: "" }],
    [99, { before: "a\u{1F600}b", at: " ", after: "" }],
    [0, { before: "", at: "a", after: "\u{1F600}b" }],
  ])("at column %i is marked", (column, expected) => {
    expect(splitAtColumn("a\u{1F600}b", column)).toEqual(expected);
  });
});
