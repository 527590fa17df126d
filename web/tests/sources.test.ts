// @vitest-environment node
import { describe, expect, it } from "vitest";
import { RateMeter } from "../src/rates.ts";
import { HUES, SHAPES, signOf, signsOf } from "../src/signs.ts";
import { rateText } from "../src/times.ts";

describe("the signs of sources", () => {
  const names = ["nginx", "shop", "worker", "billing", "system", "database", "cron", "mail", "auth", "cache"];
  const many = Array.from({ length: HUES * SHAPES }, (_, number) => `service-${number}`);

  it("have different colours as far as they go, and are the same each time", () => {
    const signs = signsOf(names);
    expect(new Set([...signs.values()].map(({ hue }) => hue)).size).toBe(HUES);
    expect(signsOf(names)).toEqual(signs);
  });

  it("are different ones also where more sources share a colour", () => {
    expect(new Set([...signsOf(many).values()].map(({ hue, shape }) => `${hue} ${shape}`)).size).toBe(many.length);
    expect(signsOf([...many, "one more"]).get("one more")).toEqual(signOf("one more"));
  });

  it("follow from the name, whatever other sources there are", () => {
    expect(signsOf(["nginx"]).get("nginx")).toEqual(signOf("nginx"));
    expect(signsOf([...names, "one more"]).get("nginx")).toEqual(signOf("nginx"));
    expect(signsOf([...names, "one more"]).get("one more")?.hue).toBe(signOf("one more").hue);
  });

  it("are spread over all colours that there are", () => {
    const counts = Array.from({ length: HUES }, () => 0);
    for (let number = 0; number < 1000; number++) {
      const { hue } = signOf(`service-${number}`);
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
