// @vitest-environment node
import { describe, expect, it } from "vitest";
import type { Environment } from "../src/environment.ts";
import type { FetchPage } from "../src/history.ts";
import { HistoryError } from "../src/history.ts";
import { Timeline } from "../src/timeline.ts";
import { Call, logRecord, settle, VirtualTime, wireRecord } from "./fakes.ts";

const ALL = Array.from({ length: 4000 }, (_, index) => `r${index}`);

/** A service that has written the lines r0 to r3999, and a page over it. */
class Scene {
  readonly calls: Call[] = [];
  readonly asked: string[] = [];
  readonly timeline: Timeline;
  isDown = false;
  /** Matches of the query; others are looked at and passed over. */
  matches: (id: string) => boolean = () => true;

  constructor(rows = 2000) {
    const time = new VirtualTime();
    const environment: Environment = {
      fetch: (address, init) => {
        const call = new Call(address, init);
        this.calls.push(call);
        return call.response;
      },
      now: () => time.now,
      wallClock: () => 0,
      random: () => 0.5,
      setTimer: (callback, delayMs) => time.setTimer(callback, delayMs),
      clearTimer: (timer) => {
        time.clearTimer(timer);
      },
      breathe: () => Promise.resolve(),
      isMultiplexed: () => false,
      report: () => undefined,
    };
    const silent = { onState: () => undefined, onChange: () => undefined, onSources: () => undefined };
    this.timeline = new Timeline({ query: "", sources: [] }, silent, environment, this.fetchPage, {
      rows,
      textBytes: 1e9,
    });
  }

  readonly fetchPage: FetchPage = (_selection, place, limit) => {
    this.asked.push(`${place.kind} ${place.id}`);
    if (this.isDown) return Promise.reject(new HistoryError(503, null));
    const at = ALL.indexOf(place.id);
    const start = place.kind === "before" ? Math.max(0, at - limit) : place.kind === "after" ? at + 1 : at - limit / 2;
    const end = place.kind === "before" ? at : Math.min(ALL.length, start + limit);
    const looked = ALL.slice(start, end);
    return Promise.resolve({
      records: looked.filter(this.matches).map((id) => logRecord({ id, text: id })),
      gaps: [],
      scannedTo: (place.kind === "before" ? looked[0] : looked.at(-1)) ?? place.id,
      scannedFrom: looked[0] ?? null,
      more: place.kind === "before" ? start > 0 : end < ALL.length,
    });
  };

  get call(): Call {
    const call = this.calls.at(-1);
    if (call === undefined) throw new Error("nothing was requested");
    return call;
  }

  async live(from: number, end: number): Promise<void> {
    const ids = ALL.slice(from, end);
    this.call.send(
      "batch",
      ids.map((id) => wireRecord(id, id)),
      ids.at(-1),
    );
    await settle();
  }

  get texts(): string[] {
    const { firstKey, endKey } = this.timeline.store.range;
    return Array.from({ length: endKey - firstKey }, (_, index) => {
      const row = this.timeline.store.at(firstKey + index);
      return row?.kind === "record" ? row.record.text : (row?.kind ?? "nothing");
    });
  }
}

async function opened(rows?: number): Promise<Scene> {
  const scene = new Scene(rows);
  scene.timeline.openLive();
  scene.call.open().hello();
  await scene.live(3000, 3500);
  scene.call.ping(0, "r3499");
  await settle();
  return scene;
}

describe("the part of the log that a page holds", () => {
  it("grows into the past, page by page, to the beginning and no further", async () => {
    const scene = await opened(10_000);
    for (let page = 0; page < 9; page++) await scene.timeline.loadOlder();
    expect(scene.texts).toEqual(ALL.slice(0, 3500));
    expect(scene.timeline.older.kind).toBe("end");
    const asked = scene.asked.length;
    await scene.timeline.loadOlder();
    expect(scene.asked).toHaveLength(asked);
  });

  it("asks for the past from where live began, for the backlog is in another order", async () => {
    const scene = new Scene(10_000);
    scene.timeline.openLive();
    scene.call.open().hello();
    // By time r100 belongs to the last lines, though it was recorded long before.
    scene.call.send("batch", [wireRecord("r100", "r100"), wireRecord("r3499", "r3499")], "r3499").ping(0, "r3499");
    await settle();
    await scene.timeline.loadOlder();
    expect(scene.asked[0]).toBe("before r3499");
    for (let page = 0; page < 9; page++) await scene.timeline.loadOlder();
    expect(new Set(scene.texts)).toEqual(new Set(ALL.slice(0, 3500)));
    expect(scene.texts).toHaveLength(3500);
  });

  it("lets nothing leave while somebody reads, closes the stream when it is full, and says so", async () => {
    const scene = await opened(1000);
    scene.timeline.hold(true);
    await scene.live(3500, 3900);
    await scene.live(3900, 4000);
    expect(scene.texts).toEqual(ALL.slice(3000, 4000));
    expect(scene.timeline.isAttached).toBe(true);
    scene.call.send("batch", [wireRecord("later", "later")], "later");
    await settle();
    expect(scene.timeline.isAttached).toBe(false);
    expect(scene.call.signal.aborted).toBe(true);
    expect(scene.texts).toEqual(ALL.slice(3000, 4000));
  });

  it("far back in the past is a stretch like any other, and joins the stream again with nothing missing", async () => {
    const scene = await opened(1000);
    scene.timeline.hold(true);
    for (let page = 0; page < 4; page++) await scene.timeline.loadOlder();
    expect(scene.timeline.isAttached).toBe(false);
    expect(scene.texts).toEqual(ALL.slice(999, 1999));
    for (let page = 0; page < 5; page++) await scene.timeline.loadNewer();
    expect(scene.timeline.isAttached).toBe(true);
    expect(scene.texts).toEqual(ALL.slice(3000, 4000));
    expect(scene.call.url.searchParams.get("last_event_id")).toBe("r3999");
    await scene.timeline.loadOlder();
    expect(scene.texts).toEqual(ALL.slice(2499, 3499));
  });

  it("looks on through stretches without a match, and to the beginning if there is none", async () => {
    const scene = await opened();
    scene.matches = (id) => id === "r900";
    await scene.timeline.loadOlder();
    expect(scene.texts[0]).toBe("r900");
    expect(scene.timeline.older.kind).toBe("end");
    const patient = new Scene();
    patient.timeline.openLive();
    patient.call.open().hello().ping(0, "r3999");
    await settle();
    patient.matches = () => false;
    await patient.timeline.loadOlder();
    expect(patient.timeline.older.kind).toBe("end");
  });

  it("says why the past could not be had, and has it at the next try", async () => {
    const scene = await opened();
    scene.isDown = true;
    await scene.timeline.loadOlder();
    expect(scene.timeline.older).toEqual({ kind: "failed", failure: { status: 503, problem: null } });
    scene.isDown = false;
    await scene.timeline.loadOlder();
    expect(scene.texts[0]).toBe("r2499");
  });

  it("opens around a line, at both ends of which it grows", async () => {
    const scene = new Scene();
    await scene.timeline.openAround("r1000");
    expect(scene.texts).toEqual(ALL.slice(750, 1250));
    await scene.timeline.loadOlder();
    await scene.timeline.loadNewer();
    expect(scene.texts).toEqual(ALL.slice(250, 1750));
    expect(scene.timeline.isAttached).toBe(false);
  });
});
