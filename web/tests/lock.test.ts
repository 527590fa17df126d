// @vitest-environment node
import { expect, it } from "vitest";
import lock from "../package-lock.json?raw";

it("the lock file names no address: it works behind any registry", () => {
  expect(lock).not.toMatch(/:\/\/|"resolved"/);
  expect(lock.match(/"integrity": "sha512-/g)?.length).toBeGreaterThan(100);
});
