// @vitest-environment node
import { describe, expect, it } from "vitest";
import { TAB_SILENCE_MS, WORKER_SILENCE_MS } from "../src/sharing.ts";
import { range, Scene, Tab } from "./browserScene.ts";
import { settle } from "./fakes.ts";

/** A whole story of a browser takes a second, and more on a machine that has other things to do. */
const PATIENCE_MS = 60_000;

describe("tabs of one browser", () => {
  it("share one stream for each view, and each is told each line once, in order", async () => {
    const scene = new Scene();
    scene.write(10);
    const tabs = Array.from({ length: 8 }, () => new Tab(scene));
    const other = new Tab(scene, "even");
    await scene.run();
    scene.write(400);
    await scene.run();
    expect(scene.open).toHaveLength(2);
    for (const tab of tabs) {
      expect(tab.numbers).toEqual(range(0, 410));
      expect(tab.state).toBe("live");
      expect(tab.hellos).toBe(1);
    }
    expect(other.numbers).toEqual(range(0, 410, 2));
  });

  it("that come later begin with the last lines, without a request of their own", async () => {
    const scene = new Scene();
    const first = new Tab(scene);
    await scene.run();
    for (let lines = 0; lines < 3000; lines += 300) {
      scene.write(300);
      await scene.run();
    }
    const late = new Tab(scene);
    scene.write(1);
    await scene.run();
    expect(scene.calls).toHaveLength(1);
    expect(first.numbers).toEqual(range(0, 3001));
    expect(late.numbers.length).toBeGreaterThanOrEqual(500);
    expect(late.numbers).toEqual(range(late.numbers[0] ?? 0, 3001));
    expect(late.hellos).toBe(1);
    expect(late.state).toBe("live");
  });

  it("go on after an id, in the middle of what came at once too", async () => {
    const scene = new Scene();
    new Tab(scene);
    await scene.run();
    scene.write(300);
    await scene.run();
    const tab = new Tab(scene, "", "i250");
    await scene.run();
    expect(tab.numbers).toEqual(range(251, 300));
    expect(scene.calls).toHaveLength(1);
    expect(tab.hellos).toBe(1);
  });

  it("that lag too far go on by themselves from their own id, and come back", async () => {
    const scene = new Scene();
    const tab = new Tab(scene);
    new Tab(scene);
    await scene.run();
    scene.write(10);
    await settle(); // Told, and not taken yet.
    for (let round = 0; round < 10; round++) {
      scene.write(300);
      await settle();
    }
    await scene.run();
    expect(scene.calls.length).toBeGreaterThan(1);
    await scene.pass(2000);
    scene.write(5);
    await scene.run();
    expect(tab.numbers).toEqual(range(0, 3015));
    expect(scene.open).toHaveLength(1);
    expect(tab.hellos).toBe(1);
  });

  it("go on by themselves when the worker is dead, and share again with the next one", async () => {
    const scene = new Scene();
    const tabs = [new Tab(scene), new Tab(scene, "even")];
    await scene.run();
    scene.write(10);
    await scene.run();
    scene.isWorkerAlive = false;
    for (const call of scene.open) call.fail();
    scene.write(10);
    scene.views = scene.newWorker();
    scene.isWorkerAlive = true;
    await scene.pass(WORKER_SILENCE_MS + 15_000);
    scene.write(10);
    await scene.pass(2000);
    scene.write(10);
    await scene.run();
    expect(tabs[0]?.numbers).toEqual(range(0, 40));
    expect(tabs[1]?.numbers).toEqual(range(0, 40, 2));
    expect(scene.views.size).toBe(2);
  });

  it("have streams of their own where there is no worker", async () => {
    const scene = new Scene();
    scene.hasWorker = false;
    const tabs = [new Tab(scene), new Tab(scene)];
    scene.write(10);
    await scene.run();
    expect(scene.open).toHaveLength(2);
    for (const tab of tabs) expect(tab.numbers).toEqual(range(0, 10));
  });

  it("take over from a stream of their own without telling again what came meanwhile", async () => {
    const scene = new Scene();
    new Tab(scene);
    scene.write(5);
    await scene.run();
    scene.hasWorker = false;
    const tab = new Tab(scene);
    await settle();
    scene.hasWorker = true;
    scene.write(3);
    await settle(); // The worker is asked, and has not heard it yet.
    scene.write(4);
    await settle();
    expect(tab.numbers).toEqual(range(0, 12));
    await scene.run();
    scene.write(2);
    await scene.run();
    expect(tab.numbers).toEqual(range(0, 14));
    expect(tab.hellos).toBe(1);
    expect(scene.open).toHaveLength(1);
  });

  it("leave nothing behind: neither one that says goodbye nor one that is gone without a word", async () => {
    const scene = new Scene();
    const tabs = [new Tab(scene), new Tab(scene)];
    await scene.run();
    tabs[0]?.stream.close();
    await scene.run();
    expect(scene.open).toHaveLength(1);
    const gone = new Tab(scene, "even");
    await scene.run();
    expect(scene.views.size).toBe(2);
    tabs[1]?.stream.close();
    await scene.run();
    expect(scene.views.size).toBe(1);
    // What it says is never passed on again.
    for (let beat = 0; beat < TAB_SILENCE_MS / 5000 + 4; beat++) await scene.time.advance(5000);
    expect(scene.views.size).toBe(0);
    expect(scene.calls[1]?.signal.aborted).toBe(true);
    gone.stream.close();
  });

  it("are told the state behind the lines, by their own clock; also the last one to a tab that lags", async () => {
    const scene = new Scene();
    const tab = new Tab(scene);
    await scene.run();
    scene.down();
    await scene.run();
    const state = tab.states.at(-1);
    expect(state).toMatchObject({ kind: "waiting", why: "the server cannot be reached" });
    const refused = new Tab(scene, "(");
    await settle();
    scene.isDown = false;
    await scene.pass(1000);
    expect(tab.state).toBe("live");
    refused.stream.close();
  });
});

it("more views than there are connections for rest while they are not looked at, and go on exactly", async () => {
  const scene = new Scene();
  const queries = ["a", "b", "c", "d", "e", "even"];
  const tabs = queries.map((query) => {
    const tab = new Tab(scene, query);
    return tab;
  });
  await scene.run();
  expect(scene.open).toHaveLength(5);
  for (const tab of tabs.slice(0, 3)) {
    tab.stream.hide();
    await scene.pass(1000);
  }
  expect(scene.open).toHaveLength(4);
  scene.write(10);
  await scene.run();
  expect(tabs.map(({ numbers }) => numbers.length)).toEqual([0, 0, 10, 10, 10, 5]);
  tabs[0]?.stream.refresh();
  await scene.run();
  expect(tabs[0]?.numbers).toEqual(range(0, 10));
  expect(scene.open).toHaveLength(4);
  tabs[5]?.stream.close();
  tabs[4]?.stream.close();
  await scene.run();
  for (const tab of tabs.slice(0, 4)) expect(tab.numbers).toEqual(range(0, 10));
});

it.each(range(1, 13))(
  "whatever happens, no tab loses or doubles a line (seed %i)",
  { timeout: PATIENCE_MS },
  async (seed) => {
    let state = seed * 2654435761;
    const draw = (sides: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * sides);
    };
    const scene = new Scene();
    const tabs: { tab: Tab; step: number }[] = [];
    const check = (): void => {
      for (const { tab, step } of tabs) {
        const [first = 0] = tab.numbers;
        expect(tab.numbers).toEqual(range(first, first + step * tab.numbers.length, step));
      }
    };
    for (let round = 0; round < 50; round++) {
      const step = 1 + draw(2);
      const any = tabs[draw(Math.max(1, tabs.length))];
      switch (draw(10)) {
        case 0:
          if (tabs.length < 6) tabs.push({ tab: new Tab(scene, step === 2 ? "even" : ""), step });
          break;
        case 1:
          if (tabs.length > 3) tabs.splice(tabs.length - 1, 1)[0]?.tab.stream.close();
          break;
        case 2:
          any?.tab.stream.suspend();
          await scene.run(draw(4));
          any?.tab.stream.wake();
          break;
        case 3:
          scene.down();
          await scene.pass(draw(4000));
          scene.isDown = false;
          break;
        case 4:
          scene.views = scene.newWorker();
          break;
        case 5:
          await scene.pass(draw(40_000));
          break;
        case 6:
          // What was said is still on its way: for a moment, or for longer than an answer is waited for.
          await scene.time.advance(draw(3000));
          break;
        default:
          scene.write(draw(4) === 0 ? draw(900) : draw(20));
      }
      await scene.run(draw(12));
      check();
    }
    scene.write(2);
    await scene.pass(120_000);
    scene.write(2);
    await scene.pass(5000);
    check();
    const last = scene.count - 1;
    for (const { tab, step } of tabs) expect(tab.numbers.at(-1)).toBe(last - (step === 2 ? last % 2 : 0));
  },
);
