/**
 * Takes out of package-lock.json what names an address: the `funding` fields. npm writes them and never reads them;
 * `resolved` is left out by .npmrc already. Run by `npm run lock`, which is the way to change the lock file.
 */
import { readFileSync, writeFileSync } from "node:fs";

const path = new URL("../package-lock.json", import.meta.url);

const lock = /** @type {{ packages: Record<string, { funding?: unknown }> }} */ (
  JSON.parse(readFileSync(path, "utf8"))
);
for (const entry of Object.values(lock.packages)) delete entry.funding;
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
