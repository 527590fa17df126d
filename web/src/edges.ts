import type { HistoryFailure } from "./history.ts";

/** What one end of the window is doing. `end`: there is nothing beyond it. */
export type EdgeState =
  | { readonly kind: "idle" | "end" | "exhausted" }
  | { readonly kind: "loading"; readonly stretches: number }
  | { readonly kind: "failed"; readonly failure: HistoryFailure };
