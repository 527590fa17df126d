// @vitest-environment node
import { describe, expect, it } from "vitest";
import { settle, Stage, wireRecord } from "./fakes.ts";

async function live(stage: Stage, cursor = "c1"): Promise<void> {
  await settle();
  stage.call
    .open()
    .hello()
    .send("batch", [wireRecord("one", cursor)], cursor)
    .ping(0, cursor);
  await settle();
}

describe("the request", () => {
  it("asks for batches from the last lines on, relative to the page", async () => {
    const stage = new Stage("level:>=warn");
    await settle();
    expect(stage.call.url.pathname).toBe("/logs/api/v1/stream");
    expect(Object.fromEntries(stage.call.url.searchParams)).toEqual({
      q: "level:>=warn",
      shape: "batch",
      from: "-500",
    });
    expect(stage.call.headers.get("Accept")).toBe("text/event-stream");
    expect(stage.call.headers.has("Last-Event-ID")).toBe(false);
  });

  it("names the last id in the address and in the header when it comes back", async () => {
    const stage = new Stage();
    await live(stage, "1.abc.10.ff");
    stage.call.end();
    await settle();
    const call = await stage.reconnected();
    expect(call.url.searchParams.get("last_event_id")).toBe("1.abc.10.ff");
    expect(call.headers.get("Last-Event-ID")).toBe("1.abc.10.ff");
  });

  it("leaves an id that no header can carry to the address", async () => {
    const stage = new Stage();
    await live(stage, "\u2026");
    stage.call.end();
    await settle();
    const call = await stage.reconnected();
    expect(call.url.searchParams.get("last_event_id")).toBe("\u2026");
    expect(call.headers.has("Last-Event-ID")).toBe(false);
  });

  it("has an abort signal of its own for each attempt", async () => {
    const stage = new Stage();
    await live(stage);
    const first = stage.call;
    first.end();
    await settle();
    const second = await stage.reconnected();
    expect(first.signal.aborted).toBe(true);
    expect(second.signal.aborted).toBe(false);
  });
});

describe("the cursor", () => {
  it("is not moved by an event that was cut off", async () => {
    const stage = new Stage();
    await live(stage, "c1");
    stage.call.write(`event: batch\ndata: ${JSON.stringify([wireRecord("two", "c2")])}\nid: c2\n`).end();
    await settle();
    expect(stage.stream.cursor).toBe("c1");
    expect(stage.texts).toEqual(["one"]);
  });

  it("is not moved by an event that the page does not understand", async () => {
    const stage = new Stage();
    await live(stage, "c1");
    stage.call.write("event: batch\ndata: [1]\nid: c2\n\n");
    await settle();
    expect(stage.stream.cursor).toBe("c1");
    expect(stage.state).toMatchObject({ kind: "waiting", why: expect.stringContaining('"batch"') as string });
  });

  it("is moved by a ping, so that a quiet stream is not searched again", async () => {
    const stage = new Stage();
    await live(stage, "c1");
    stage.call.ping(0, "c9");
    await settle();
    expect(stage.stream.cursor).toBe("c9");
  });

  it("is moved by an id without data, and taken away by an empty one", async () => {
    const stage = new Stage();
    await live(stage, "c1");
    stage.call.write("id: c2\n\n");
    await settle();
    expect(stage.stream.cursor).toBe("c2");
    stage.call.write("id\ndata: {}\n\n");
    await settle();
    expect(stage.stream.cursor).toBeNull();
  });
});

describe("records", () => {
  it("come one by one, in batches and under the types of rules", async () => {
    const stage = new Stage();
    await live(stage);
    stage.call
      .send("line", wireRecord("two", "c2"), "c2")
      .send("http-5xx", wireRecord("three", "c3"), "c3")
      .send("batch", [wireRecord("four", "c4"), wireRecord("five", "c5")], "c5");
    await settle();
    expect(stage.texts).toEqual(["one", "two", "three", "four", "five"]);
  });

  it("come once, though the server sends them again", async () => {
    const stage = new Stage();
    await live(stage, "c1");
    stage.call.send("batch", [wireRecord("one", "c1"), wireRecord("two", "c2")], "c2");
    await settle();
    stage.call.end();
    await settle();
    const call = await stage.reconnected();
    call.open().hello();
    call.send("batch", [wireRecord("two", "c2")], "c2").send("batch", [wireRecord("three", "c3")], "c3");
    await settle();
    expect(stage.texts).toEqual(["one", "two", "three"]);
  });

  it("without ids are all shown: alike is not the same", async () => {
    const stage = new Stage();
    await live(stage);
    stage.call.send("batch", [wireRecord("same"), wireRecord("same")]);
    await settle();
    expect(stage.texts).toEqual(["one", "same", "same"]);
  });

  it("of an event type that is not known are no reason to stop", async () => {
    const stage = new Stage();
    await live(stage, "c1");
    stage.call.send("weather", { sun: true }, "c2").send("batch", [wireRecord("two", "c3")], "c3");
    await settle();
    expect(stage.texts).toEqual(["one", "two"]);
    expect(stage.state).toEqual({ kind: "live" });
  });
});

describe("the state", () => {
  it("goes from connecting over catching up to live, at the ping that says so", async () => {
    const stage = new Stage();
    await settle();
    stage.call
      .open()
      .hello()
      .send("batch", [wireRecord("one", "c1")], "c1")
      .ping(4096)
      .ping(0);
    await settle();
    expect(stage.states).toEqual([
      { kind: "connecting" },
      { kind: "catching-up", lagBytes: null },
      { kind: "catching-up", lagBytes: 4096 },
      { kind: "live" },
    ]);
  });

  it("says gap from a gap to the next ping", async () => {
    const stage = new Stage();
    await live(stage);
    const gap = { source: "app", file: "/a", from: null, to: null, lines: 3, bytes: 80, reason: "deleted" };
    stage.call.send("gap", gap, "c2").send("line", wireRecord("two", "c3"), "c3");
    await settle();
    expect(stage.state).toEqual({ kind: "gap" });
    expect(stage.events.at(-2)).toEqual({
      kind: "gap",
      gap: { source: "app", file: "/a", from: null, to: null, lines: 3, bytes: 80, reason: "deleted" },
    });
    stage.call.ping();
    await settle();
    expect(stage.state).toEqual({ kind: "live" });
  });

  it("is silent once the stream is closed, and leaves no timer", async () => {
    const stage = new Stage();
    await live(stage);
    const count = stage.states.length;
    stage.stream.close();
    stage.call.ping(99);
    await stage.time.advance(120_000);
    expect(stage.states).toHaveLength(count);
    expect(stage.calls).toHaveLength(1);
    expect(stage.call.signal.aborted).toBe(true);
    expect(stage.time.pendingTimers).toBe(0);
  });

  it("closed within a message, takes nothing more of the same chunk", async () => {
    const stage: Stage = new Stage("", (event) => {
      if (event.kind === "records") stage.stream.close();
    });
    await settle();
    stage.call.open().hello();
    await settle();
    const line = (text: string): string => `event: line\ndata: ${JSON.stringify(wireRecord(text, text))}\n\n`;
    stage.call.write(line("one") + line("two"));
    await settle();
    expect(stage.texts).toEqual(["one"]);
  });

  it("reports a mistake in the page's own code, and goes on", async () => {
    let isBroken = true;
    const stage = new Stage("", (event) => {
      if (event.kind === "records" && isBroken) throw new RangeError("a bug");
    });
    await settle();
    stage.call.open().hello().send("line", wireRecord("one", "c1"), "c1");
    await settle();
    expect(stage.mistakes).toEqual([new RangeError("a bug")]);
    isBroken = false;
    const call = await stage.reconnected();
    call.open().hello().ping();
    await settle();
    expect(stage.state).toEqual({ kind: "live" });
  });
});
