import { describe, expect, it, vi } from "vitest";
import StateBanner from "../src/components/StateBanner.vue";
import { mount } from "./mount.ts";

describe("the banner", () => {
  const quiet = { isEmpty: true, isFiltered: false, hasNoSources: false };
  const problem = { title: null, detail: null, column: null, expected: null };

  it.each([
    [{ kind: "connecting" }, {}, "Connecting to the server …"],
    [{ kind: "catching-up", lagBytes: null }, {}, "Looking for lines …"],
    [{ kind: "crowded" }, {}, "This browser has no connection left for one more view."],
    [{ kind: "live" }, {}, "No lines yet."],
    [{ kind: "live" }, { isFiltered: true }, "No line matches so far."],
    [{ kind: "live" }, { hasNoSources: true }, "No sources are configured."],
    [{ kind: "waiting", until: 0, why: "the server answered 503" }, {}, "Not connected: the server answered 503."],
    [{ kind: "stopped", status: 401, problem }, {}, "The stream stopped: sign in first."],
  ])("for %j says what is going on", async (state, more, title) => {
    const { text } = await mount(StateBanner, { ...quiet, ...more, state });
    expect(text(".title")).toBe(title);
  });

  it("says what to do about a source that does not exist", async () => {
    const onClear = vi.fn();
    const unknown = { ...problem, title: "No such source", detail: "no source matches 'x'; there are: app" };
    const state = { kind: "stopped", status: 404, problem: unknown };
    const { text, find } = await mount(StateBanner, { ...quiet, state, onClear });
    expect(text(".title")).toBe("The stream stopped: No such source.");
    expect(text(".note")).toContain("No source matches 'x'; there are: app. Choose other sources");
    find("button").click();
    expect(onClear).toHaveBeenCalledOnce();
  });

  it("is silent while lines come", async () => {
    const { root } = await mount(StateBanner, { ...quiet, isEmpty: false, state: { kind: "live" } });
    expect(root.textContent).toBe("");
  });

  it("asks somebody who comes back after long whether all that was written is wanted", async () => {
    const onLive = vi.fn();
    const state = { kind: "catching-up", lagBytes: 2_300_000_000 };
    const { text, find } = await mount(StateBanner, { ...quiet, isEmpty: false, state, onLive });
    expect(text(".title")).toBe("2.3 GB behind.");
    find("button").click();
    expect(onLive).toHaveBeenCalledOnce();
    const near = await mount(StateBanner, { ...quiet, isEmpty: false, state: { ...state, lagBytes: 1000 } });
    expect(near.root.textContent).toBe("");
  });

  it("offers another try when the stream has stopped", async () => {
    const onRetry = vi.fn();
    const { find } = await mount(StateBanner, { ...quiet, state: { kind: "stopped", status: 410, problem }, onRetry });
    find("button").click();
    expect(onRetry).toHaveBeenCalledOnce();
  });

  it("says what may be in the way of a server that does not answer, once one has waited", async () => {
    vi.useFakeTimers();
    const { text } = await mount(StateBanner, { ...quiet, state: { kind: "connecting" } });
    await vi.advanceTimersByTimeAsync(4999);
    expect(text(".title")).toBe("Connecting to the server …");
    await vi.advanceTimersByTimeAsync(1);
    expect(text(".title")).toBe("The server has not answered yet.");
    expect(text(".note")).toContain("HTTP/2");
    vi.useRealTimers();
  });

  it("leads out of a browser whose connections are all taken, over lines that are here too", async () => {
    const { text } = await mount(StateBanner, { ...quiet, isEmpty: false, state: { kind: "crowded" } });
    expect(text(".note")).toContain("Close one of those");
    expect(text(".note")).toContain("listen 443 ssl http2");
  });
});
