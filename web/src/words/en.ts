/** What the page says, in English; the other languages have its form. Pure. */
import { countOf } from "../words.ts";

export const en = {
  logLines: "Log lines",
  newLines: (count: number): string => (count === 0 ? "Go to the newest line" : countOf(count, "new line")),
  returnToLive: "Return to live",
  loadOlder: "Load older lines",
  loadingOlder: "Loading older lines …",
  lookingBack: (stretches: number): string => `Looking further back … (${countOf(stretches, "stretch", "stretches")})`,
  nothingBack: "Nothing found so far.",
  lookFurther: "Look further back",
  beginning: "The beginning: there are no older lines.",
  olderFailed: (why: string): string => `Older lines could not be loaded: ${why}.`,
  newerFailed: (why: string): string => `Newer lines could not be loaded: ${why}.`,
  tryAgain: "Try again",
};

export type Words = typeof en;
