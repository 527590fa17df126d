import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import vue from "@vitejs/plugin-vue";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const BUNDLE_LIMIT_BYTES = 150 * 1024;

/** Refuses a build whose scripts and styles, gzipped, are larger than the page may be. */
function bundleLimit(limitBytes: number): Plugin {
  return {
    name: "bundle-limit",
    generateBundle(_options, bundle) {
      let total = 0;
      for (const file of Object.values(bundle)) {
        total += gzipSync(file.type === "chunk" ? file.code : file.source).byteLength;
      }
      if (total > limitBytes) {
        this.error(`The page weighs ${String(total)} bytes gzipped, more than the ${String(limitBytes)} allowed.`);
      }
    },
  };
}

export default defineConfig({
  // Relative addresses: the page works under any path that a proxy gives it.
  base: "./",
  plugins: [vue(), bundleLimit(BUNDLE_LIMIT_BYTES)],
  build: {
    outDir: fileURLToPath(new URL("../logstream/static", import.meta.url)),
    emptyOutDir: true,
    target: "es2022",
    // A data: address would need a hole in the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // Minifying drops the notices that the packages' licences want to go with each copy.
    license: { fileName: "licenses.md" },
    rolldownOptions: {
      input: ["index.html", "login.html"].map((page) => fileURLToPath(new URL(page, import.meta.url))),
    },
  },
  server: {
    // `npm run dev` beside a service on its default port.
    proxy: { "/api": "http://127.0.0.1:8780" },
  },
  test: {
    environment: "happy-dom",
    include: ["tests/**/*.test.ts"],
    css: true, // a test reads the page's colours
    restoreMocks: true,
    unstubGlobals: true,
  },
});
