import type { Plugin } from "vite";
import * as all from "../src/texts.ts";

const IMPORT = 'import * as texts from "~/texts";';
const USE = /\btexts\.(\w+)\.(\w+)/g;

/**
 * Puts each text where it is used: `src/texts.ts` is one module for whoever writes, and a page loads the texts that it
 * shows, not those of all pages.
 */
export function texts(): Plugin {
  return {
    name: "relaycast:texts",
    apply: "build",
    enforce: "pre",
    transform(code) {
      if (!code.includes(IMPORT)) return null;
      return { code: code.replace(IMPORT, "").replace(USE, inline), map: null };
    },
  };
}

function inline(use: string, group: string, key: string): string {
  const groups: Record<string, Record<string, unknown>> = all;
  const text = groups[group]?.[key];
  if (typeof text === "string") return JSON.stringify(text);
  if (typeof text === "object" && text !== null) return `(${JSON.stringify(text)})`; // a table of texts
  if (typeof text === "function") return `(${text.toString()})`;
  throw new Error(`there is no ${use}`);
}
