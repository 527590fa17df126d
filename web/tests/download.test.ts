import { nextTick } from "vue";
import { beforeEach, describe, expect, it, vi } from "vitest";
import DownloadBar from "../src/components/DownloadBar.vue";
import type { ExportError, TellProgress } from "../src/exporting.ts";
import { fetchExport, PieceReader } from "../src/exporting.ts";
import type { Download } from "../src/useDownload.ts";
import { useDownload } from "../src/useDownload.ts";
import { settle } from "./fakes.ts";
import { mount } from "./mount.ts";

const FILE = "é first\nsecond\n";
const LAST = '{"at":90,"end":90,"bytes":0}\n';

type Bytes = Uint8Array<ArrayBuffer>;

function bytesOf(text: string): Bytes {
  return new Uint8Array(new TextEncoder().encode(text));
}

function piece(at: number, content: string): string {
  return `${JSON.stringify({ at, end: 90, bytes: bytesOf(content).length })}\n${content}`;
}

/** The file in three pieces, with stretches in which nothing was found. */
const ANSWER = bytesOf(
  piece(0, "") + piece(0, FILE.slice(0, 4)) + piece(30, "") + piece(60, FILE.slice(4)) + piece(60, "") + LAST,
);

function textOf(parts: readonly Bytes[]): string {
  return new TextDecoder().decode(new Uint8Array(parts.flatMap((part) => [...part])));
}

/** An answer that comes in these chunks; without an end it breaks off as a lost connection does. */
function answerOf(chunks: readonly Bytes[], { breaks = false } = {}): Response {
  const left = [...chunks];
  return new Response(
    new ReadableStream<Bytes>({
      pull: (controller) => {
        const next = left.shift();
        if (next !== undefined) controller.enqueue(next);
        else if (breaks) controller.error(new TypeError("network error"));
        else controller.close();
      },
    }),
  );
}

async function failureOf(response: Response, mostBytes?: number): Promise<ExportError["failure"]> {
  vi.stubGlobal("fetch", () => Promise.resolve(response));
  const tell: TellProgress = () => undefined;
  const error: unknown = await fetchExport("a?b", new AbortController().signal, tell, mostBytes).catch(
    (reason: unknown) => reason,
  );
  return (error as ExportError).failure;
}

describe("the reader of pieces", () => {
  it("puts the file together, at whatever byte the answer is split", () => {
    for (let cut = 0; cut <= ANSWER.length; cut++) {
      const reader = new PieceReader();
      const parts = [...reader.read(ANSWER.slice(0, cut)), ...reader.read(ANSWER.slice(cut))];
      expect(textOf(parts)).toBe(FILE);
      expect(reader.isWhole).toBe(true);
    }
  });

  it("puts it together byte by byte, says how far the search has come, and whole only after the last line", () => {
    const reader = new PieceReader();
    const parts: Bytes[] = [];
    const shares = new Set<number>();
    for (let at = 0; at < ANSWER.length; at++) {
      expect(reader.isWhole).toBe(false);
      parts.push(...reader.read(ANSWER.slice(at, at + 1)));
      shares.add(reader.share);
    }
    expect(textOf(parts)).toBe(FILE);
    expect(reader.isWhole).toBe(true);
    expect([...shares]).toEqual([0, 30 / 90, 60 / 90, 1]);
  });

  it("does not take a piece for the end because the search has come to its end", () => {
    const reader = new PieceReader();
    expect(textOf([...reader.read(bytesOf(piece(90, "x")))])).toBe("x");
    expect(reader.isWhole).toBe(false);
  });

  it.each([
    "<html>\n",
    "x".repeat(300),
    '{"at":1,"end":90}\n',
    '{"at":-1,"end":90,"bytes":0}\n',
    '{"at":91,"end":90,"bytes":0}\n',
    '{"at":1,"end":90,"bytes":0.5}\n',
    '{"at":1,"end":90,"bytes":"1"}\n',
    `${LAST}more`,
  ])("refuses what are no pieces: %s", (answer) => {
    expect(() => [...new PieceReader().read(bytesOf(answer))]).toThrow("refused");
  });
});

describe("a file that is fetched", () => {
  it("is whole, and says how far it is", async () => {
    const asked: string[] = [];
    vi.stubGlobal("fetch", (address: string) => {
      asked.push(address);
      return Promise.resolve(answerOf([ANSWER.slice(0, 50), ANSWER.slice(50)]));
    });
    const told: [number, number][] = [];
    const file = await fetchExport("api/v1/export?format=text", new AbortController().signal, (...facts) => {
      told.push(facts);
    });
    expect(await file.text()).toBe(FILE);
    expect(asked).toEqual(["api/v1/export?format=text&progress=true"]);
    expect(told.length).toBeGreaterThan(0);
  });

  it("is none if its last line is missing, whether the connection ends or breaks", async () => {
    const cut = ANSWER.slice(0, ANSWER.length - LAST.length);
    expect(await failureOf(answerOf([cut]))).toEqual({ kind: "cut" });
    expect(await failureOf(answerOf([cut], { breaks: true }))).toEqual({ kind: "cut" });
  });

  it("is none if it is larger than the page holds", async () => {
    expect(await failureOf(answerOf([ANSWER]), 10)).toEqual({ kind: "large", mostBytes: 10 });
  });

  it("is none if the server refuses, in its words", async () => {
    const body = JSON.stringify({ title: "Bad request", status: 400, detail: "q: expected a term" });
    const failure = await failureOf(new Response(body, { status: 400 }));
    expect(failure).toMatchObject({ kind: "refused", status: 400, problem: { detail: "q: expected a term" } });
  });
});

describe("a download", () => {
  let clicked: { href: string; name: string }[] = [];
  let download: Download;

  beforeEach(async () => {
    clicked = [];
    vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(function (this: HTMLAnchorElement) {
      clicked.push({ href: this.href, name: this.download });
    });
    await mount({
      setup: () => {
        download = useDownload();
        return () => null;
      },
    });
  });

  it("is saved under the server's name for it", async () => {
    vi.stubGlobal("fetch", () => Promise.resolve(answerOf([ANSWER])));
    expect(download.start("a?format=jsonl", "jsonl")).toBe(true);
    expect(download.state.value).toEqual({ kind: "running", share: 0, bytes: 0 });
    await vi.waitFor(() => {
      expect(download.state.value).toEqual({ kind: "saved", name: "logstream.jsonl", bytes: bytesOf(FILE).length });
    });
    expect(clicked).toMatchObject([{ name: "logstream.jsonl" }]);
    expect(clicked[0]?.href).toMatch(/^blob:/);
  });

  it("saves nothing when it fails, and can be tried again", async () => {
    const answers = [answerOf([ANSWER.slice(0, 60)]), answerOf([ANSWER])];
    vi.stubGlobal("fetch", () => Promise.resolve(answers.shift()));
    download.start("a?format=csv", "csv");
    await vi.waitFor(() => {
      expect(download.state.value).toMatchObject({ kind: "failed", failure: { kind: "cut" } });
    });
    expect(clicked).toEqual([]);
    download.again();
    await vi.waitFor(() => {
      expect(clicked).toMatchObject([{ name: "logstream.csv" }]);
    });
  });

  it("ends its request when it is cancelled, and saves nothing; a second one is the browser's meanwhile", async () => {
    let signal: AbortSignal | undefined;
    vi.stubGlobal("fetch", (_: string, init: RequestInit) => {
      signal = init.signal ?? undefined;
      return Promise.resolve(answerOf([ANSWER]));
    });
    download.start("a?format=csv", "csv");
    expect(download.start("a?format=csv", "csv")).toBe(false);
    download.leave();
    await settle();
    expect(signal?.aborted).toBe(true);
    expect(download.state.value).toEqual({ kind: "none" });
    expect(clicked).toEqual([]);
  });

  it("is the browser's where answers cannot be read while they come", () => {
    vi.stubGlobal("ReadableStream", undefined);
    expect(download.start("a?format=csv", "csv")).toBe(false);
  });
});

describe("the bar of a download", () => {
  it("says in words and as a value how far it is, and can be cancelled", async () => {
    const left = vi.fn();
    const bar = await mount(DownloadBar, { state: { kind: "running", share: 0.437, bytes: 1_234_567 }, onLeave: left });
    const progress = bar.find("[role=progressbar]");
    expect(progress.getAttribute("aria-valuenow")).toBe("43");
    expect(progress.getAttribute("aria-valuetext")).toBe("Downloading: 43 %, 1.2 MB");
    expect(bar.text(".words")).toBe("Downloading: 43 %, 1.2 MB");
    bar.find("button").click();
    await nextTick();
    expect(left).toHaveBeenCalledOnce();
  });

  it.each([
    [{ kind: "cut" }, "nothing was saved. Try again when the server is there.", "button"],
    [{ kind: "large", mostBytes: 1e9 }, "More than 1.0 GB do not go through this page", "a[href='a?b'][download]"],
    [{ kind: "refused", status: 0, problem: null }, "The server cannot be reached. Try again", "button"],
    [
      { kind: "refused", status: 400, problem: { title: null, detail: "no such key", column: 1, expected: null } },
      "No such key. Correct the query above and press Enter.",
      "button",
    ],
  ])("says why there is no file and what to do: %o", async (failure, words, remedy) => {
    const bar = await mount(DownloadBar, { state: { kind: "failed", address: "a?b", failure } });
    expect(bar.text("[role=status]")).toContain(words);
    bar.find(remedy);
  });
});
