import { nextTick } from "vue";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import MarkRow from "../src/components/MarkRow.vue";
import QueryBox from "../src/components/QueryBox.vue";
import RecordDrawer from "../src/components/RecordDrawer.vue";
import RecordRow from "../src/components/RecordRow.vue";
import SourcePicker from "../src/components/SourcePicker.vue";
import StatusLine from "../src/components/StatusLine.vue";
import { NOTHING_KNOWN, NOTHING_LOST } from "../src/completeness.ts";
import { LEVELS } from "../src/protocol.ts";
import { change } from "../src/useSettings.ts";
import { logRecord } from "./fakes.ts";
import { mount } from "./mount.ts";

const NO_WORD = { completeness: NOTHING_KNOWN, isConnected: true };
const HOSTILE = '<img src=x onerror="alert(1)"><script>alert(2)</script>\u202Egnp.exe';

describe("a record's row", () => {
  it("carries its id, and shows foreign text as text", async () => {
    const { root, find } = await mount(RecordRow, {
      record: logRecord({ id: "1.a.b.c", text: HOSTILE, source: HOSTILE, file: HOSTILE, event: HOSTILE }),
    });
    expect(find(".row").dataset["id"]).toBe("1.a.b.c");
    expect(find(".text").textContent).toBe(HOSTILE);
    expect(root.querySelector("img, script")).toBeNull();
  });

  it("tells a time of another year as far as there is room, and all of it on demand", async () => {
    const { find } = await mount(RecordRow, { record: logRecord({ time: "1999-12-31T23:59:59.5Z" }) });
    expect(find("time").textContent).toMatch(/^(1999-12-31|2000-01-01) \d\d:59$/);
    expect(find("time").title).toBe("1999-12-31T23:59:59.5Z");
  });

  it("without an id has none", async () => {
    const { find } = await mount(RecordRow, { record: logRecord({ id: null }) });
    expect(find(".row").hasAttribute("data-id")).toBe(false);
  });

  it.each(LEVELS)("says %s in a word, not in colour alone", async (level) => {
    const { text } = await mount(RecordRow, { record: logRecord({ level }) });
    expect(text(".level")).toBe(level);
  });

  it("keeps spaces and odd characters of the line", async () => {
    const line = "  a\tb \u0000 \u2028 c  ";
    const { find } = await mount(RecordRow, { record: logRecord({ text: line }) });
    expect(find(".text").textContent).toBe(line);
  });

  it("shows the head of a very long line, and all of it on demand", async () => {
    const { find, text } = await mount(RecordRow, { record: logRecord({ text: "x".repeat(10_000) }) });
    expect(find(".text").textContent).toHaveLength(4000);
    expect(text(".more")).toBe("show all 10,000 characters");
    find(".more").click();
    await nextTick();
    expect(find(".text").textContent).toHaveLength(10_000);
  });

  it("shows no more than the head of a very long line within a trace, either", async () => {
    change({ fold: false });
    onTestFinished(() => {
      change({ fold: true });
    });
    const tail = [logRecord({ id: "b", cont: true, text: "y".repeat(10_000) })];
    const { find, text } = await mount(RecordRow, { record: logRecord({ id: "a", text: "head" }), tail });
    expect(find(".cont .text").textContent).toHaveLength(4000);
    expect(text(".cont .more")).toBe("show all 10,000 characters");
  });

  it("names a rule's event, and leaves the usual one out", async () => {
    const named = await mount(RecordRow, { record: logRecord({ event: "http-5xx" }) });
    expect(named.text(".event")).toBe("http-5xx");
    const usual = await mount(RecordRow, { record: logRecord() });
    expect(usual.root.querySelector(".event")).toBeNull();
  });
});

describe("the drawer of a line", () => {
  it("shows the heads of long texts, and all of the line on demand", async () => {
    const value = "z".repeat(30_000);
    const record = logRecord({ text: JSON.stringify({ value }), fields: { value } });
    const { root, find, text } = await mount(RecordDrawer, { record, tail: [], isContext: false, columns: [] });
    const heads = [...root.querySelectorAll("pre")].map((pre) => pre.textContent.length);
    expect(heads).toEqual([20_002, 20_002]);
    expect(find(".fields .value").textContent.length).toBeLessThan(3000);
    expect(text("pre + button")).toMatch(/^show all 30,0\d\d characters$/);
    find("pre + button").click();
    await nextTick();
    expect(find("pre").textContent).toContain(value);
  });
});

describe("a gap's row", () => {
  it("says how much is missing, where and why", async () => {
    const gap = { source: "app", file: "/a.log", from: 1200, to: 1280, lines: 3, bytes: 80, reason: "expired" };
    const { text } = await mount(MarkRow, { row: { kind: "gap", key: 1, gap } });
    expect(text(".mark")).toBe(
      "Gap 3 lines (80 bytes) are missing here from /a.log, bytes 1,200 to 1,280: the server no longer keeps that part.",
    );
  });
});

describe("the status", () => {
  it("is said in words, in a status region", async () => {
    const { text } = await mount(StatusLine, { state: { kind: "live" }, gaps: 2 });
    expect(text("[role=status]")).toBe("live 2 gaps");
  });

  it("counts down, without being announced each second", async () => {
    const until = performance.now() + 2600;
    const { text, find } = await mount(StatusLine, { state: { kind: "waiting", until, why: "x" }, gaps: 0 });
    expect(text("[role=status]")).toBe("reconnecting in 3 s");
    expect(find("[aria-live=off]").textContent).toBe("3");
  });
});

describe("the query box", () => {
  const problem = { title: "Bad query", detail: "column 3: expected ), found the end", column: 3, expected: ")" };

  it("applies its text on Enter, without the spaces around it", async () => {
    const onApply = vi.fn();
    const { find } = await mount(QueryBox, { query: "", problem: null, onApply });
    const input = find("input") as HTMLInputElement;
    input.value = "  level:>=warn ";
    input.dispatchEvent(new Event("input"));
    find("form").dispatchEvent(new Event("submit", { cancelable: true }));
    expect(onApply).toHaveBeenCalledExactlyOnceWith("level:>=warn");
  });

  it("shows a mistake under it with its column marked", async () => {
    const { find, text } = await mount(QueryBox, { query: "a(b", problem });
    expect(find("mark").textContent).toBe("b");
    expect(find(".echo").textContent).toBe("a(b");
    expect(text("#query-problem p")).toBe("Column 3: expected ), found the end.");
    expect(find("input").getAttribute("aria-invalid")).toBe("true");
    expect(find("input").getAttribute("aria-describedby")).toBe("query-problem");
  });

  it("shows nothing under it when all is well", async () => {
    const { text } = await mount(QueryBox, { query: "a", problem: null });
    expect(text("#query-problem")).toBe("");
  });
});

describe("the source picker", () => {
  const sources = [
    { name: "app", state: "ok", files: [{ file: "/a", state: "ok", format: "json" }], gaps: 0, latestGaps: [] },
    {
      name: "nginx",
      state: "unreadable",
      gaps: 0,
      latestGaps: [],
      files: [
        { file: "/b", state: "following", format: "access" },
        { file: "/c", state: "unreadable", format: null },
      ],
    },
    { name: "late", state: "empty", files: [], gaps: 0, latestGaps: [] },
  ];

  it("adds and takes away one source at a time", async () => {
    const onChoose = vi.fn();
    const { root } = await mount(SourcePicker, { sources, state: "ready", ...NO_WORD, selected: ["app"], onChoose });
    const boxes = [...root.querySelectorAll("input")];
    expect(boxes.map(({ checked }) => checked)).toEqual([true, false, false]);
    boxes[1]?.click();
    boxes[0]?.click();
    expect(onChoose.mock.calls).toEqual([[["app", "nginx"]], [[]]]);
  });

  it("says in which format the files are, while it is one or two", async () => {
    const file = (name: string, format: string | null): object => ({ file: name, state: "following", format });
    const named = (name: string, formats: (string | null)[]): object => ({
      name,
      state: "ok",
      gaps: 0,
      latestGaps: [],
      files: formats.map((format, index) => file(`/${name}/${index}`, format)),
    });
    const shown = [
      named("one", ["json", "json"]),
      named("two", ["syslog", "json", null]),
      named("many", ["a", "b", "c"]),
      named("none", [null]),
    ];
    const { root } = await mount(SourcePicker, { sources: shown, state: "ready", ...NO_WORD, selected: [] });
    expect([...root.querySelectorAll("li .words")].map((words) => words.textContent)).toEqual([
      "2 files, json",
      "3 files, json, syslog",
      "3 files",
      "1 file",
    ]);
    expect(root.querySelector("li [title]")?.getAttribute("title")).toBe(
      "/one/0 (following, json)\n/one/1 (following, json)",
    );
  });

  it("says how many gaps a source has", async () => {
    const lossy = [
      { name: "app", state: "ok", files: [], gaps: 0, latestGaps: [] },
      {
        ...sources[0],
        name: "lossy",
        gaps: 2,
        latestGaps: [{ source: "lossy", file: "/a", from: 4, to: 8, lines: null, bytes: 4, reason: "truncated" }],
      },
    ];
    const { root } = await mount(SourcePicker, { sources: lossy, state: "ready", ...NO_WORD, selected: [] });
    expect([...root.querySelectorAll("li [title]")].at(-1)?.getAttribute("title")).toContain(
      "\n4 bytes are missing from /a, bytes 4 to 8: the file was cut short before they were read.",
    );
    expect([...root.querySelectorAll(".troubled")].map((words) => words.textContent)).toEqual([
      "no file matches",
      "1 file, 2 gaps, json",
    ]);
  });

  it("says which source is in trouble", async () => {
    const { root } = await mount(SourcePicker, { sources, state: "ready", ...NO_WORD, selected: [] });
    expect([...root.querySelectorAll(".troubled")].map((words) => words.textContent)).toEqual([
      "2 files, 1 unreadable",
      "no file matches",
    ]);
  });

  it("keeps a chosen name that is no source, so that it can be unchosen", async () => {
    const { root } = await mount(SourcePicker, { sources, state: "ready", ...NO_WORD, selected: ["ng*", "gone"] });
    expect([...root.querySelectorAll("li")].map((item) => item.textContent)).toEqual([
      expect.stringContaining("app"),
      expect.stringContaining("nginx"),
      expect.stringContaining("late"),
      "ng*pattern",
      "gonenot configured",
    ]);
  });

  it("says of each source since when it is complete, and once nothing comes, until when", async () => {
    const second = (number: number): number => new Date(2024, 4, 1, 9, 14, number).getTime();
    vi.useFakeTimers({ now: second(59), toFake: ["Date"] });
    const told = { sinceMs: second(3), lost: NOTHING_LOST, lagMs: 96 };
    const completeness = { sources: new Map([["app", told]]), reconnects: 2, lagBytes: 0, untilMs: second(20) };
    const shown = { sources, state: "ready", selected: [], completeness };
    const live = await mount(SourcePicker, { ...shown, isConnected: true });
    const cut = await mount(SourcePicker, { ...shown, isConnected: false });
    const late = await mount(SourcePicker, {
      ...shown,
      completeness: { ...completeness, lagBytes: 4096 },
      isConnected: true,
    });
    vi.useRealTimers();
    expect(live.text(".badge")).toBe("✓complete since 09:14:03, 0 lost, 2 reconnects, lag 0.1 s");
    expect(live.root.querySelectorAll(".badge")).toHaveLength(1);
    expect(cut.text(".badge")).toBe("!complete from 09:14:03 to 09:14:20, 0 lost, 2 reconnects");
    expect(late.text(".badge")).toContain("2 reconnects, 4.1 kB behind");
  });

  it("offers another try when the list cannot be loaded", async () => {
    const onReload = vi.fn();
    const { find } = await mount(SourcePicker, { sources: [], state: "failed", ...NO_WORD, selected: [], onReload });
    find("button").click();
    expect(onReload).toHaveBeenCalledOnce();
  });
});
