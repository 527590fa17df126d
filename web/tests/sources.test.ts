// @vitest-environment node
import { describe, expect, it } from "vitest";
import { HUES, hueOf, huesOf } from "../src/hues.ts";
import { RateMeter } from "../src/rates.ts";
import { rateText } from "../src/times.ts";

describe("the colours of sources", () => {
  const names = ["nginx", "shop", "worker", "billing", "system", "database", "cron", "mail", "auth", "cache"];

  it("are different ones as far as they go, and the same each time", () => {
    const hues = huesOf(names);
    expect(new Set(hues.values()).size).toBe(HUES);
    expect(huesOf(names)).toEqual(hues);
  });

  it("follow from the name, whatever other sources there are", () => {
    expect(huesOf(["nginx"]).get("nginx")).toBe(hueOf("nginx"));
    expect(huesOf([...names, "one more"]).get("nginx")).toBe(hueOf("nginx"));
    expect(huesOf([...names, "one more"]).get("one more")).toBe(hueOf("one more"));
  });

  it("are spread over all that there are", () => {
    const counts = Array.from({ length: HUES }, () => 0);
    for (let number = 0; number < 1000; number++) {
      const hue = hueOf(`service-${number}`);
      counts[hue] = (counts[hue] ?? 0) + 1;
    }
    expect(Math.min(...counts)).toBeGreaterThan(60);
  });
});

describe("rates", () => {
  it("are of the whole seconds before, and nothing is known before there was one", () => {
    const rates = new RateMeter();
    rates.begin(10_400);
    rates.note("app", 30, 10_500);
    expect(rates.of("app", 10_900)).toBeNull();
    rates.note("app", 4, 11_100);
    rates.note("other", 1, 11_900);
    expect(rates.of("app", 12_000)).toBe(4);
    expect(rates.of("app", 13_999)).toBe(2);
    expect(rates.of("other", 13_999)).toBe(0.5);
  });

  it("fall to nothing when nothing comes, and forget what is long past", () => {
    const rates = new RateMeter();
    rates.begin(0);
    for (let second = 0; second < 100; second++) rates.note("app", 10, second * 1000);
    expect(rates.of("app", 100_000)).toBe(10);
    expect(rates.of("app", 102_000)).toBe(6);
    expect(rates.of("app", 106_000)).toBe(0);
  });

  it("are told in as many digits as can be read", () => {
    expect([0, 0.2, 1, 9.96, 1234.5].map(rateText)).toEqual(["0", "0.2", "1.0", "10", "1,235"]);
  });
});
