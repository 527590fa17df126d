// @vitest-environment node
import { describe, expect, it } from "vitest";
import { backoffDelayMs, byeDelayMs, parseRetryAfterMs } from "../src/backoff.ts";
import { FrameFlush } from "../src/frames.ts";
import { RecentIds } from "../src/seen.ts";
import { readSelection, streamAddress, writeSelection } from "../src/selection.ts";

describe("delays", () => {
  it("stay within 100 ms and 30 s after any number of failures", () => {
    for (const failures of [0, 1, 5, 50, 5000]) {
      expect(backoffDelayMs(failures, () => 0)).toBe(100);
      expect(backoffDelayMs(failures, () => 1)).toBe(Math.min(30_000, 1000 * 2 ** failures));
    }
  });

  it("after a goodbye stay within what the server named", () => {
    expect(byeDelayMs(4000, () => 0.5)).toBe(2000);
    expect(byeDelayMs(0, () => 0.5)).toBe(100);
    expect(byeDelayMs(1e9, () => 1)).toBe(30_000);
  });

  it.each([
    ["5", 5000],
    [" 5 ", 5000],
    ["86400", 600_000],
    ["soon", null],
    ["-5", null],
    [null, null],
  ])("Retry-After %j is %j ms", (header, expected) => {
    expect(parseRetryAfterMs(header, Date.UTC(2024, 4, 1))).toBe(expected);
  });

  it("Retry-After of a date in the past is none at all", () => {
    expect(parseRetryAfterMs("Wed, 01 May 2024 00:00:00 GMT", Date.UTC(2024, 4, 2))).toBe(0);
  });
});

describe("recent ids", () => {
  it("know an id again until half the capacity has come after it", () => {
    const ids = new RecentIds(4);
    expect(["a", "b", "c"].map((id) => ids.add(id))).toEqual([true, true, true]);
    expect(["a", "b", "c"].map((id) => ids.add(id))).toEqual([false, false, false]);
  });

  it("forget the oldest, or they would grow for ever", () => {
    const ids = new RecentIds(4);
    for (const id of ["a", "b", "c", "d", "e"]) ids.add(id);
    expect(ids.add("a")).toBe(true);
    expect(ids.add("e")).toBe(false);
  });
});

describe("a selection", () => {
  it.each(["", "?q=a+b", "?source=app&source=ng*", "?q=%2Fa%2Bb%2F&source=x%26y"])(
    "in the address %j reads back",
    (search) => {
      expect(writeSelection(readSelection(search))).toBe(search);
    },
  );

  it("drops what says nothing", () => {
    expect(readSelection("?q=&source=&source=a&source=a&other=1")).toEqual({ query: "", sources: ["a"], levels: [] });
    expect(writeSelection({ query: "   ", sources: [] })).toBe("");
  });

  it("asks the stream for all its sources, and for the place to go on", () => {
    const address = streamAddress({ query: "a&b", sources: ["x", "y*"] }, "-500", "1.a/b");
    expect(address).toBe("api/v1/stream?q=a%26b&source=x&source=y*&shape=batch&from=-500&last_event_id=1.a%2Fb");
  });
});

describe("a frame's flush", () => {
  it("rests for a few frames after a flood, and asks for none meanwhile", () => {
    const frames: (() => void)[] = [];
    const timers: { at: number; callback: () => void }[] = [];
    const flushes: number[] = [];
    let now = 0;
    let asked = 0;
    const flush = new FrameFlush(
      () => {
        flushes.push(now);
        return true;
      },
      (callback) => {
        asked++;
        return frames.push(callback);
      },
      () => undefined,
      () => now,
      (callback, delayMs) => timers.push({ at: now + delayMs, callback }),
      () => {
        timers.length = 0;
      },
    );
    for (now = 16; now <= 160; now += 16) {
      flush.request();
      flush.request();
      while ((timers[0]?.at ?? now + 1) <= now) timers.shift()?.callback();
      frames.shift()?.();
    }
    expect(flushes).toEqual([16, 64, 112, 160]);
    expect(asked).toBe(4);
    flush.request();
    flush.cancel();
    expect(timers).toEqual([]);
  });

  it("comes once for all requests before it, and not after a cancel", () => {
    let flushes = 0;
    let frames: (() => void)[] = [];
    const flush = new FrameFlush(
      () => {
        flushes++;
        return false;
      },
      (callback) => frames.push(callback),
      () => {
        frames = [];
      },
    );
    flush.request();
    flush.request();
    expect(frames).toHaveLength(1);
    frames.shift()?.();
    expect(flushes).toBe(1);
    flush.request();
    flush.cancel();
    expect(frames).toHaveLength(0);
    flush.request();
    expect(frames).toHaveLength(1);
  });
});
