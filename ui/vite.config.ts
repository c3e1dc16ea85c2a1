import { fileURLToPath } from "node:url";

import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/**
 * Two builds: the product (`index.html`, `ringing.html`, the engine behind it) and, in mode `mock`, the same screens
 * over made-up snapshots for pictures and accessibility checks. Nothing of the second is reachable from the first.
 */
export default defineConfig(({ mode }) => {
  const mock = mode === "mock";
  return {
    plugins: [svelte()],
    resolve: {
      alias: { "#backend": here(mock ? "./src/backend/mock.ts" : "./src/backend/tauri.ts") },
    },
    clearScreen: false,
    server: { port: 5173, strictPort: true },
    build: {
      target: ["chrome111", "safari16.4"],
      outDir: mock ? "dist-mock" : "dist",
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      rollupOptions: { input: { index: here("./index.html"), ringing: here("./ringing.html") } },
    },
    test: { include: ["src/**/*.test.ts"], environment: "node" },
  };
});
