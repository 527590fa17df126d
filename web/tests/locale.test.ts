import { expect, it } from "vitest";
import { correctLanguage } from "../src/locale.ts";

it("takes English for a language that Intl does not know, and keeps any other", () => {
  const inTheCLocale = { language: "C" };
  const inGermany = { language: "de-DE" };
  correctLanguage(inTheCLocale);
  correctLanguage(inGermany);

  expect(new Intl.NumberFormat(inTheCLocale.language).format(1000)).toBe("1,000");
  expect(inGermany.language).toBe("de-DE");
});
