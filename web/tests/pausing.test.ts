// @vitest-environment node
import { describe, expect, it } from "vitest";
import { PAUSE_GRACE_LINES, PAUSE_GRACE_MS } from "../src/pausing.ts";
import { range, Scene, Tab } from "./browserScene.ts";

describe("a pause", () => {
  it("lets the stream go after a while, and following goes on where it was", async () => {
    const scene = new Scene();
    const tab = new Tab(scene);
    await scene.run();
    scene.write(10);
    await scene.run();
    tab.stream.hold(true);
    await scene.run();
    scene.write(10);
    await scene.pass(PAUSE_GRACE_MS - 1000);
    expect(tab.numbers).toEqual(range(0, 20));
    expect(scene.open).toHaveLength(1);
    await scene.pass(2000);
    expect(tab.releases).toBe(1);
    expect(scene.open).toHaveLength(0);
    scene.write(100);
    const next = new Tab(scene, "", tab.stream.cursor);
    await scene.run();
    expect(next.numbers).toEqual(range(20, 120));
  });

  it("lets it go at once when much comes", async () => {
    const scene = new Scene();
    const tab = new Tab(scene);
    tab.stream.hold(true);
    await scene.run();
    for (let lines = 0; lines <= PAUSE_GRACE_LINES; lines += 500) {
      scene.write(500);
      await scene.run();
    }
    expect(tab.releases).toBe(1);
    expect(scene.open).toHaveLength(0);
    const next = new Tab(scene, "", tab.stream.cursor);
    await scene.run();
    expect([...tab.numbers, ...next.numbers]).toEqual(range(0, 5500));
  });

  it("costs nothing more while another tab follows: its lines come as before", async () => {
    const scene = new Scene();
    const [paused, follower] = [new Tab(scene), new Tab(scene)];
    await scene.run();
    paused.stream.hold(true);
    await scene.pass(2 * PAUSE_GRACE_MS);
    scene.write(10);
    await scene.run();
    expect(paused.numbers).toEqual(range(0, 10));
    expect(paused.releases).toBe(0);
    follower.stream.close();
    await scene.run();
    await scene.pass(PAUSE_GRACE_MS + 1000);
    expect(paused.releases).toBe(1);
  });
});
