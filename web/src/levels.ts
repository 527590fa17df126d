/** The levels that a line may have, and that it may have none. Pure. */
import type { Level } from "./protocol.ts";
import { LEVELS } from "./protocol.ts";

export type LevelName = Level | "none";

/** The worst first. */
export const LEVEL_NAMES: readonly LevelName[] = [...LEVELS.toReversed(), "none"];
