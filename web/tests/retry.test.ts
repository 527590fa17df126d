// @vitest-environment node
import { describe, expect, it } from "vitest";
import { settle, Stage, wireRecord } from "./fakes.ts";

async function connected(heartbeatSeconds = 15): Promise<Stage> {
  const stage = new Stage();
  await settle();
  stage.call
    .open()
    .hello(undefined, heartbeatSeconds)
    .send("batch", [wireRecord("one", "c1")], "c1")
    .ping();
  await settle();
  return stage;
}

describe("the delay", () => {
  it("is drawn from a range that doubles with each failure, up to 30 s", async () => {
    const stage = new Stage();
    stage.dice = 0.9999;
    const delays: number[] = [];
    for (let attempt = 0; attempt < 8; attempt++) {
      await settle();
      stage.call.fail();
      await settle();
      delays.push(Math.round(stage.delayMs / 1000));
      await stage.reconnected();
    }
    expect(delays).toEqual([1, 2, 4, 8, 16, 30, 30, 30]);
  });

  it("is jittered over the whole range, but never nothing", async () => {
    const stage = new Stage();
    stage.dice = 0;
    await settle();
    stage.call.fail();
    await settle();
    expect(stage.delayMs).toBe(100);
  });

  it.each(["batch", "gap", "ping"])("begins again after a %s", async (type) => {
    const stage = new Stage();
    for (let attempt = 0; attempt < 4; attempt++) {
      await settle();
      stage.call.fail();
      await settle();
      await stage.reconnected();
    }
    const call = stage.call.open().hello();
    call.send(type, type === "batch" ? [wireRecord("one", "c1")] : { reason: "deleted" });
    await settle();
    call.end();
    await settle();
    expect(stage.delayMs).toBe(500);
  });

  it("does not begin again for a server that greets and hangs up", async () => {
    const stage = new Stage();
    const delays: number[] = [];
    for (let attempt = 0; attempt < 5; attempt++) {
      await settle();
      stage.call.open().hello().end();
      await settle();
      delays.push(stage.delayMs);
      await stage.reconnected();
    }
    expect(delays).toEqual([500, 1000, 2000, 4000, 8000]);
  });
});

describe("an answer", () => {
  it.each([500, 502, 503, 504, 408, 425, 429])("of status %i is tried again", async (status) => {
    const stage = new Stage();
    await settle();
    stage.call.open(status, { "Content-Type": "text/html" });
    await settle();
    expect(stage.state).toMatchObject({ kind: "waiting", why: `the server answered ${status}` });
    expect(stage.call.isCancelled).toBe(true);
  });

  it.each([204, 401, 403, 404, 410, 414, 431])("of status %i stops the stream", async (status) => {
    const stage = new Stage();
    await settle();
    stage.call.answer(status, "no");
    await stage.time.advance(120_000);
    expect(stage.state).toMatchObject({ kind: "stopped", status });
    expect(stage.calls).toHaveLength(1);
    expect(stage.time.pendingTimers).toBe(0);
  });

  it("of status 400 brings the query's mistake with its column", async () => {
    const stage = new Stage("(a");
    await settle();
    const problem = { title: "Bad query", status: 400, detail: "The group does not end.", column: 3, expected: ")" };
    stage.call.answer(400, JSON.stringify(problem), { "Content-Type": "application/problem+json" });
    await settle();
    expect(stage.state).toEqual({
      kind: "stopped",
      status: 400,
      problem: { title: "Bad query", detail: "The group does not end.", column: 3, expected: ")" },
    });
  });

  it("that is no event stream is tried again: a proxy's page, for instance", async () => {
    const stage = new Stage();
    await settle();
    stage.call.open(200, { "Content-Type": "text/html" });
    await settle();
    expect(stage.state).toMatchObject({ kind: "waiting", why: "the answer was not an event stream" });
    expect(stage.call.isCancelled).toBe(true);
  });

  it("with Retry-After in seconds is waited for, with jitter on top", async () => {
    const stage = new Stage();
    await settle();
    stage.call.open(503, { "Retry-After": "7" });
    await settle();
    expect(stage.delayMs).toBe(7500);
  });

  it("with Retry-After as a date is waited for", async () => {
    const stage = new Stage();
    await settle();
    stage.call.open(429, { "Retry-After": new Date(stage.wallClock + 12_000).toUTCString() });
    await settle();
    expect(stage.delayMs).toBe(12_500);
  });
});

describe("a goodbye", () => {
  it("leads to one quick retry within the time that the server named", async () => {
    const stage = await connected();
    stage.call.send("bye", { reason: "restart", retry_ms: 3000 });
    await settle();
    expect(stage.delayMs).toBe(1500);
    expect(stage.call.signal.aborted).toBe(true);
  });

  it("said again at once leads to the usual back-off", async () => {
    const stage = await connected();
    const delays: number[] = [];
    for (let attempt = 0; attempt < 4; attempt++) {
      stage.call.send("bye", { reason: "restart", retry_ms: 400 });
      await settle();
      delays.push(stage.delayMs);
      (await stage.reconnected()).open().hello();
      await settle();
    }
    expect(delays).toEqual([200, 500, 1000, 2000]);
  });
});

describe("the watchdog", () => {
  it("gives up a connection that has been silent for three heartbeats", async () => {
    const stage = await connected(10);
    await stage.time.advance(29_999);
    expect(stage.state).toEqual({ kind: "live" });
    await stage.time.advance(1);
    expect(stage.state).toMatchObject({ kind: "waiting", why: "nothing arrived for 30 s" });
    expect(stage.call.signal.aborted).toBe(true);
  });

  it("is satisfied by any byte, a comment too", async () => {
    const stage = await connected(10);
    for (let i = 0; i < 10; i++) {
      await stage.time.advance(20_000);
      stage.call.write(": still here\n");
      await settle();
    }
    expect(stage.state).toEqual({ kind: "live" });
    expect(stage.calls).toHaveLength(1);
  });

  it("watches a server that never answers, too", async () => {
    const stage = new Stage();
    await stage.time.advance(45_000);
    expect(stage.state).toMatchObject({ kind: "waiting", why: "nothing arrived for 45 s" });
  });

  it("watches an error answer that never ends, too", async () => {
    const stage = new Stage();
    await settle();
    stage.call.open(404, {});
    await stage.time.advance(45_000);
    expect(stage.state).toMatchObject({ kind: "waiting" });
  });

  it("stops with its connection", async () => {
    const stage = await connected();
    stage.call.end();
    await settle();
    expect(stage.time.pendingTimers).toBe(1); // the back-off's
  });
});

describe("the browser", () => {
  it("back online connects at once, in the middle of a wait", async () => {
    const stage = new Stage();
    await settle();
    stage.call.open(503, { "Retry-After": "60" });
    await settle();
    stage.stream.wake();
    await settle();
    expect(stage.calls).toHaveLength(2);
    expect(stage.state).toEqual({ kind: "connecting" });
    expect(stage.time.pendingTimers).toBe(1); // the new connection's watchdog
  });

  it("gone for good ends a wait as well", async () => {
    const stage = new Stage();
    await settle();
    stage.call.fail();
    await settle();
    stage.stream.close();
    await stage.time.advance(60_000);
    expect(stage.calls).toHaveLength(1);
    expect(stage.time.pendingTimers).toBe(0);
  });

  it("back online replaces the connection of the network that is gone", async () => {
    const stage = await connected();
    const first = stage.call;
    stage.stream.wake();
    await settle();
    expect(first.signal.aborted).toBe(true);
    expect(stage.calls).toHaveLength(2);
    expect(stage.call.url.searchParams.get("last_event_id")).toBe("c1");
  });

  it("looked at again after a sleep replaces the connection", async () => {
    const stage = await connected(10);
    stage.time.jump(15_001);
    stage.stream.refresh();
    await settle();
    expect(stage.calls).toHaveLength(2);
  });

  it("looked at again soon keeps the connection", async () => {
    const stage = await connected(10);
    stage.time.jump(15_000);
    stage.stream.refresh();
    await settle();
    expect(stage.calls).toHaveLength(1);
  });

  it("looked at again ends a wait that was slept through, and no other", async () => {
    const stage = new Stage();
    await settle();
    stage.call.open(503, { "Retry-After": "20" });
    await settle();
    stage.stream.refresh();
    await settle();
    expect(stage.calls).toHaveLength(1);
    stage.time.jump(20_500);
    stage.stream.refresh();
    await settle();
    expect(stage.calls).toHaveLength(2);
  });

  it("leaving the page frees the connection until it comes back", async () => {
    const stage = await connected();
    stage.stream.suspend();
    await stage.time.advance(300_000);
    expect(stage.state).toEqual({ kind: "suspended" });
    expect(stage.calls).toHaveLength(1);
    expect(stage.time.pendingTimers).toBe(0);
    stage.stream.wake();
    await settle();
    expect(stage.call.headers.get("Last-Event-ID")).toBe("c1");
  });

  it("leaving the page ends a wait between two connections too", async () => {
    const stage = new Stage();
    await settle();
    stage.call.fail();
    await settle();
    stage.stream.suspend();
    await stage.time.advance(300_000);
    expect(stage.state).toEqual({ kind: "suspended" });
    expect(stage.calls).toHaveLength(1);
    stage.stream.wake();
    await settle();
    expect(stage.calls).toHaveLength(2);
  });
});
