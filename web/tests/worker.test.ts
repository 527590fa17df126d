// @vitest-environment node
import { describe, expect, it } from "vitest";
import { BEAT_MS } from "../src/sharing.ts";
import { ANSWER_MS } from "../src/workerWatch.ts";
import { range, Scene, Tab } from "./browserScene.ts";
import { settle } from "./fakes.ts";

describe("a worker that does not answer", () => {
  it("is waited for a second and no longer, and shared with once it does", async () => {
    const scene = new Scene();
    scene.isWorkerAlive = false;
    scene.write(10);
    const tabs = [new Tab(scene), new Tab(scene)];
    await scene.pass(ANSWER_MS - 1);
    expect(scene.calls).toHaveLength(0);
    await scene.pass(1);
    expect(scene.open).toHaveLength(2);
    for (const tab of tabs) expect(tab.numbers).toEqual(range(0, 10));

    scene.isWorkerAlive = true;
    await scene.pass(2 * ANSWER_MS);
    scene.write(3);
    await scene.pass(ANSWER_MS);
    scene.write(3);
    await scene.run();
    for (const tab of tabs) {
      expect(tab.numbers).toEqual(range(0, 16));
      expect(tab.hellos).toBe(1);
      expect(tab.state).toBe("live");
    }
    expect(scene.open).toHaveLength(1);
  });

  it.each([3, 700])("is not heard when its answer comes too late, %i lines after", async (lines) => {
    const scene = new Scene();
    scene.write(10);
    const tab = new Tab(scene);
    // What the tab has asked is still on its way.
    await scene.time.advance(ANSWER_MS);
    await settle();
    scene.write(lines);
    await settle();
    await scene.run();
    scene.write(1);
    await scene.run();
    expect(tab.numbers).toEqual(range(0, 11 + lines));
    await scene.pass(3 * ANSWER_MS);
    scene.write(1);
    await scene.pass(ANSWER_MS);
    scene.write(1);
    await scene.run();
    expect(tab.numbers).toEqual(range(0, 13 + lines));
    expect(scene.open).toHaveLength(1);
    expect(tab.hellos).toBe(1);
  });

  it("is asked less and less often, and costs the stream that goes on meanwhile nothing", async () => {
    const scene = new Scene();
    let asked = 0;
    scene.isWorkerAlive = false;
    const tab = new Tab({
      environment: scene.environment,
      connect: (...hooks) => {
        asked += 1;
        return scene.connect(...hooks);
      },
    });
    for (let second = 0; second < 40; second++) {
      scene.write(1);
      await scene.time.advance(1000);
      await scene.run();
    }
    expect(asked).toBeLessThan(7);
    expect(scene.calls).toHaveLength(1);
    expect(tab.numbers).toEqual(range(0, 40));
  });
});

describe("views of which more are looked at than a browser has connections for", () => {
  const QUERIES = ["a", "b", "c", "d", "e", "f", "g"];

  it("say that they wait, leave a connection for everything else, and go on once one is free", async () => {
    const scene = new Scene();
    scene.write(10);
    const tabs = QUERIES.map((query) => new Tab(scene, query));
    await scene.run();
    expect(scene.open).toHaveLength(5);
    expect(tabs.map(({ state }) => state)).toEqual([...new Array<string>(5).fill("live"), "crowded", "crowded"]);

    tabs[1]?.stream.close();
    await scene.run();
    scene.write(5);
    await scene.run();
    expect(scene.open).toHaveLength(5);
    expect(tabs[5]?.state).toBe("live");
    expect(tabs[5]?.numbers).toEqual(range(0, 15));
    expect(tabs[6]?.state).toBe("crowded");

    tabs[0]?.stream.hide();
    await scene.run();
    expect(tabs[6]?.numbers).toEqual(range(0, 15));
    expect(scene.open).toHaveLength(5);
  });

  it("take no connection from another one when they are looked at again", async () => {
    const scene = new Scene();
    const tabs = QUERIES.slice(0, 6).map((query) => new Tab(scene, query));
    tabs[0]?.stream.hide();
    await scene.run();
    expect(tabs[5]?.state).toBe("live");
    scene.write(4);
    await scene.run();
    tabs[0]?.stream.refresh();
    await scene.run();
    expect(tabs[0]?.state).toBe("crowded");
    expect(tabs[5]?.state).toBe("live");
    tabs[3]?.stream.close();
    await scene.run();
    expect(tabs[0]?.state).toBe("live");
    expect(tabs[0]?.numbers).toEqual(range(0, 4));
  });

  it("are all live where requests share a connection", async () => {
    const scene = new Scene();
    scene.isMultiplexed = true;
    const tabs = QUERIES.map((query) => new Tab(scene, query));
    await scene.run();
    await scene.pass(BEAT_MS);
    expect(tabs.map(({ state }) => state)).toEqual(QUERIES.map(() => "live"));
    expect(scene.open).toHaveLength(7);
  });
});
