// @vitest-environment node
import { describe, expect, it } from "vitest";
import { EventReader, EventTooLongError } from "../src/events.ts";

type Expected = [type: string, data: string, lastEventId: string];

/** Inputs and outcomes of the web platform tests' eventsource/format-*, and of WHATWG HTML 9.2.6. */
const VECTORS: readonly (readonly [input: string, expected: readonly Expected[]])[] = [
  ["\uFEFFdata:1\n\n", [["message", "1", ""]]],
  ["\uFEFF\uFEFFdata:1\n\ndata:2\n\n", [["message", "2", ""]]],
  ["data:a\r\r", [["message", "a", ""]]],
  ["data:a\r\n\r\n", [["message", "a", ""]]],
  ["data:a\n\n", [["message", "a", ""]]],
  ["data:test\r\ndata\ndata:test\r\n\r", [["message", "test\n\ntest", ""]]],
  [
    "data\n\ndata\ndata\n\ndata:",
    [
      ["message", "", ""],
      ["message", "\n", ""],
    ],
  ],
  [
    "data:test\n\ndata: test\n\ndata:  test\n\n",
    [
      ["message", "test", ""],
      ["message", "test", ""],
      ["message", " test", ""],
    ],
  ],
  [
    "id: 1\ndata:a\n\ndata:b\n\n",
    [
      ["message", "a", "1"],
      ["message", "b", "1"],
    ],
  ],
  [
    "id: 1\ndata:a\n\nid\ndata:b\n\n",
    [
      ["message", "a", "1"],
      ["message", "b", ""],
    ],
  ],
  ["id: x\0y\ndata:a\n\n", [["message", "a", ""]]],
  ["id: 7\n\ndata:a\n\n", [["message", "a", "7"]]],
  ["event: hb\n\ndata:a\n\n", [["message", "a", ""]]],
  ["event: \ndata:a\n\n", [["message", "a", ""]]],
  [": ping\n\n:x\ndata:a\n:y\n\n", [["message", "a", ""]]],
  ["retry: 1000x\nretry:-5\nretry: 1.5\ndata:a\n\n", [["message", "a", ""]]],
  ["Data:1\nDATA:2\ndata:3\n\n", [["message", "3", ""]]],
  ["foo:1\ndata_5\n data:x\ndata:3\n\n", [["message", "3", ""]]],
  [
    "data:\0\ndata:  2\rData:1\ndata\0:2\ndata:1\r\0data:4\nda-ta:3\rdata_5\ndata:3\rdata:\r\n data:32\ndata:4\n\n",
    [["message", "\0\n 2\n1\n3\n\n4", ""]],
  ],
  ["retry:1000\ndata:test1\n\nid:test\ndata:test2", [["message", "test1", ""]]],
  ["data:a:b: c\n\n", [["message", "a:b: c", ""]]],
  ["event: gap\nid: 1.g.\u2026\ndata: \u20ac \u{1F600}\n\n", [["gap", "\u20ac \u{1F600}", "1.g.\u2026"]]],
];

function readIn(chunks: Iterable<Uint8Array>): readonly Expected[] {
  const events: Expected[] = [];
  const reader = new EventReader(({ type, data, lastEventId }) => events.push([type, data, lastEventId]));
  for (const chunk of chunks) reader.feed(chunk);
  return events;
}

describe("an event stream", () => {
  it.each(VECTORS)("%j is read as the specification has it", (input, expected) => {
    expect(readIn([new TextEncoder().encode(input)])).toEqual(expected);
  });

  it.each(VECTORS)("%j is read the same byte by byte", (input, expected) => {
    const bytes = new TextEncoder().encode(input);
    expect(readIn(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(expected);
  });

  it("goes on with the id of the connection before", () => {
    const ids: string[] = [];
    const reader = new EventReader(({ lastEventId }) => ids.push(lastEventId), "9");
    reader.feed(new TextEncoder().encode("data: a\n\nid: 10\ndata: b\n\n"));
    expect(ids).toEqual(["9", "10"]);
  });

  it("keeps the id before an event that was cut off", () => {
    const reader = new EventReader(() => undefined);
    reader.feed(new TextEncoder().encode("data: a\nid: 1\n\ndata: b\nid: 2\n"));
    expect(reader.lastEventId).toBe("1");
  });

  it("shows bytes that are not UTF-8 as replacement characters", () => {
    const events: string[] = [];
    const reader = new EventReader(({ data }) => events.push(data));
    reader.feed(Uint8Array.of(...new TextEncoder().encode("data: "), 0xff, 10, 10));
    expect(events).toEqual(["\uFFFD"]);
  });

  it("refuses an event that does not end", () => {
    const reader = new EventReader(() => undefined, "", 100);
    expect(() => {
      for (let i = 0; i < 20; i++) reader.feed(new TextEncoder().encode("data: 0123456789\n"));
    }).toThrow(EventTooLongError);
  });
});
