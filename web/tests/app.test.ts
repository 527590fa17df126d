import { nextTick } from "vue";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import App from "../src/components/App.vue";
import { change } from "../src/useSettings.ts";
import { Call, settle, wireRecord } from "./fakes.ts";
import type { Mounted } from "./mount.ts";
import { mount } from "./mount.ts";

let calls: Call[] = [];

beforeEach(() => {
  calls = [];
  window.history.replaceState(null, "", "/logs/");
  // The test's page lays nothing out: it is told that the list is 600 pixels high.
  vi.spyOn(HTMLElement.prototype, "offsetHeight", "get").mockReturnValue(600);
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(600);
  vi.stubGlobal("requestAnimationFrame", (callback: () => void) => setTimeout(callback, 0));
  vi.stubGlobal("fetch", (address: string, init: RequestInit = {}) => {
    if (address.includes("sources")) {
      const sources = ["app", "nginx"].map((name) => ({ name, labels: {}, state: "ok", files: [] }));
      return Promise.resolve(new Response(JSON.stringify({ sources })));
    }
    if (address.includes("rules")) {
      const rules = [
        { name: "plain", highlight: null },
        { name: "slow", highlight: "orange" },
        { name: "strange", highlight: "url(x)" },
      ];
      return Promise.resolve(new Response(JSON.stringify({ rules })));
    }
    const call = new Call(address, init);
    calls.push(call);
    return call.response;
  });
});

function newest(): Call {
  const call = calls.at(-1);
  if (call === undefined) throw new Error("nothing was requested");
  return call;
}

async function drawn(): Promise<void> {
  await settle();
  // The page breathes between the pieces of a burst.
  await new Promise((resolve) => setTimeout(resolve, 30));
  await settle();
  await nextTick();
}

function rowIds(page: Mounted): (string | undefined)[] {
  return [...page.root.querySelectorAll<HTMLElement>("[role=log] [data-id]")].map(({ dataset }) => dataset["id"]);
}

async function ask(page: Mounted, query: string): Promise<void> {
  const input = page.find("#query") as HTMLInputElement;
  input.value = query;
  input.dispatchEvent(new Event("input"));
  page.find("form").dispatchEvent(new Event("submit", { cancelable: true }));
  await drawn();
}

describe("the page", () => {
  it("draws lines and gaps in their order, and says live", async () => {
    const page = await mount(App);
    newest()
      .open()
      .hello()
      .send("batch", [wireRecord("one", "c1"), wireRecord("two", "c2")], "c2")
      .send("gap", { source: "app", file: "/a", lines: 2, bytes: 9, reason: "deleted" }, "c3")
      .send("batch", [wireRecord("three", "c4")], "c4")
      .ping();
    await drawn();
    expect(rowIds(page)).toEqual(["c1", "c2", "c4"]);
    expect(page.text(".mark")).toContain("2 lines");
    expect(page.text("[role=status]")).toBe("live 1 gap");
  });

  it("gives lines the colour of the first of their rules that has one", async () => {
    const page = await mount(App);
    newest()
      .open()
      .hello()
      .send("batch", [{ ...wireRecord("one", "c1"), rules: ["plain", "slow"] }, wireRecord("two", "c2")], "c2")
      .send("batch", [{ ...wireRecord("three", "c3"), rules: ["strange"] }], "c3");
    await drawn();
    const colours = rowIds(page).map((id) => page.find(`[data-id="${id ?? ""}"]`).dataset["highlight"]);
    expect(colours).toEqual(["orange", undefined, undefined]);
  });

  it("says so when it cannot go on exactly", async () => {
    const page = await mount(App);
    newest().open().hello({ from: null, exact: false, reason: "the id is not known" });
    await drawn();
    expect(page.text(".mark")).toContain("the id is not known");
    onTestFinished(() => {
      change({ language: "system" });
    });
    change({ language: "zh" });
    await nextTick();
    expect(page.text(".mark")).toMatch(/\p{Script=Han}.*the id is not known/u);
  });

  it("begins with the query and the sources of its address", async () => {
    window.history.replaceState(null, "", "/logs/?q=timeout&source=app");
    const page = await mount(App);
    expect(newest().url.search).toBe("?q=timeout&source=app&shape=batch&from=-500");
    expect((page.find("#query") as HTMLInputElement).value).toBe("timeout");
    await drawn();
    expect((page.find("input[value=app]") as HTMLInputElement).checked).toBe(true);
  });

  it("opens a new stream for a new query, ends the old one and forgets its lines", async () => {
    const page = await mount(App);
    const first = newest();
    first
      .open()
      .hello()
      .send("batch", [wireRecord("one", "c1")], "c1")
      .ping();
    await drawn();
    await ask(page, "level:error");
    expect(first.signal.aborted).toBe(true);
    expect(newest().url.searchParams.get("q")).toBe("level:error");
    expect(newest().url.searchParams.has("last_event_id")).toBe(false);
    expect(window.location.search).toBe("?q=level%3Aerror");
    expect(rowIds(page)).toEqual([]);
  });

  it("shows a query's mistake, and streams again once it is corrected", async () => {
    const page = await mount(App);
    await ask(page, "(a");
    const problem = { title: "Bad query", detail: "column 3: expected ), found the end", column: 3, expected: ")" };
    newest().answer(400, JSON.stringify(problem), { "Content-Type": "application/problem+json" });
    await drawn();
    expect(page.text("#query-problem p")).toContain("Column 3");
    expect(page.text("[role=status]")).toBe("stopped: query not understood");
    await ask(page, "(a)");
    newest().open().hello().ping();
    await drawn();
    expect(page.text("#query-problem")).toBe("");
    expect(page.text("[role=status]")).toBe("live");
  });

  it("streams the ticked sources only", async () => {
    const page = await mount(App);
    await drawn();
    page.find("input[value=nginx]").click();
    await drawn();
    expect(newest().url.searchParams.getAll("source")).toEqual(["nginx"]);
    expect(window.location.search).toBe("?source=nginx");
  });

  it("goes back to the selection before with the browser", async () => {
    const page = await mount(App);
    await ask(page, "one");
    window.history.replaceState(null, "", "/logs/?q=before");
    window.dispatchEvent(new PopStateEvent("popstate"));
    await drawn();
    expect(newest().url.searchParams.get("q")).toBe("before");
    expect((page.find("#query") as HTMLInputElement).value).toBe("before");
  });

  it("connects anew at once when the browser is back online", async () => {
    await mount(App);
    newest()
      .open()
      .hello()
      .send("batch", [wireRecord("one", "c1")], "c1")
      .ping();
    await drawn();
    window.dispatchEvent(new Event("online"));
    await drawn();
    expect(calls).toHaveLength(2);
    expect(newest().url.searchParams.get("last_event_id")).toBe("c1");
  });

  it("draws only the rows near what is seen, however many there are", async () => {
    const page = await mount(App);
    const records = Array.from({ length: 5000 }, (_, index) => wireRecord("x", `c${index}`));
    newest().open().hello().send("batch", records, "c4999");
    await drawn();
    expect(rowIds(page).at(-1)).toBe("c4999");
    expect(rowIds(page).length).toBeLessThan(100);
  });
});
