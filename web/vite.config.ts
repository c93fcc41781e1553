import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import tailwind from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { compressed } from "./build/compressed.ts";
import { pages } from "./build/pages.ts";
import { texts } from "./build/texts.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The broker's version, so that a page knows when the broker it talks to is another. */
function version(): string {
  const found = /^version = "([^"]+)"/m.exec(readFileSync(here("../pyproject.toml"), "utf8"));
  if (!found?.[1]) throw new Error("pyproject.toml names no version");
  return found[1];
}

/** What opens on a click, reads and draws diffs and logs, asks for an answer, or manages people or workflows. */
const OF_FEW =
  /(design|@pierre|node_modules)\/diff|node_modules\/anser\/|react\/(dialog|floating-ui-react|utils)\/|useScrollLock|src\/(answering|pages)\/|design\/Dialog|acting\/FormDialog/;

const broker = process.env.RELAYCAST_URL ?? "http://127.0.0.1:8787";

export default defineConfig({
  // Scripts and styles name other files beside themselves, so that it does not matter where on a host they lie.
  base: "./",
  define: { __RELAYCAST_VERSION__: JSON.stringify(version()) },
  resolve: { alias: { "~": here("./src") } },
  plugins: [texts(), react(), tailwind(), compressed(), pages({ mostKilobytes: 200 })],
  build: {
    outDir: "../broker/dashboard",
    emptyOutDir: true,
    target: "es2023",
    // Everything is a file of its own: the content security policy allows no inline script or style.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1000,
    rolldownOptions: {
      output: {
        // One file for what a first visit loads and one for what most pages share, not one for each thing that two
        // pages have in common: twenty requests take longer than what is in them.
        codeSplitting: {
          groups: [
            { name: "first", tags: ["$initial"], priority: 1 },
            // What talks to the broker is there, and has asked, while what draws is still being loaded.
            { name: "live", test: /src\/app\/ahead\.ts$/, priority: 2, includeDependenciesRecursively: true },
            // A page does not wait for what few pages have in common.
            { name: "shared", minShareCount: 3, test: (id) => !OF_FEW.test(id) },
          ],
        },
      },
    },
  },
  // Modules, so that a grammar is loaded when its language is met.
  worker: { format: "es" },
  server: {
    host: "127.0.0.1",
    proxy: {
      "/v1": { target: broker, changeOrigin: true, ws: true },
      "/graphql": { target: broker, changeOrigin: true, ws: true },
    },
  },
  test: {
    // Tests of components and keys ask for jsdom by themselves: it takes two seconds to start.
    environment: "node",
    include: ["src/**/*.test.{ts,tsx}"],
    restoreMocks: true,
  },
});
