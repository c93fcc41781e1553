import { gzipSync } from "node:zlib";
import type { Plugin, Rolldown } from "vite";

/** Prints what a first visit loads, and each page on top of it, in gzipped kilobytes; too much fails the build. */
export function firstLoad({ mostKilobytes }: { mostKilobytes: number }): Plugin {
  return {
    name: "relaycast:first-load",
    apply: "build",
    generateBundle(_options, bundle) {
      const chunks = Object.values(bundle).filter((file) => file.type === "chunk");
      const entry = chunks.find((chunk) => chunk.isEntry);
      if (!entry) return;
      const first = withImports(entry, bundle);
      const total = kilobytes(first, bundle);
      const lines = [`first load   ${total.toFixed(1)} kB gzipped, of at most ${mostKilobytes}`];
      for (const chunk of chunks.filter((c) => c.isDynamicEntry)) {
        const more = new Set([...withImports(chunk, bundle)].filter((name) => !first.has(name)));
        lines.push(`  + ${chunk.name.padEnd(16)} ${kilobytes(more, bundle).toFixed(1).padStart(7)} kB`);
      }
      // Languages and themes of the highlighter are hundreds of small chunks; the largest twenty say enough.
      const [head, ...rest] = lines;
      this.info([head, ...rest.sort((a, b) => size(b) - size(a)).slice(0, 20)].join("\n"));
      if (total > mostKilobytes)
        this.error(`a first visit loads ${total.toFixed(1)} kB, more than ${mostKilobytes}`);
    },
  };
}

const size = (line: string) => Number(/([\d.]+) kB/.exec(line)?.[1] ?? 0);

function withImports(chunk: Rolldown.OutputChunk, bundle: Rolldown.OutputBundle): Set<string> {
  const found = new Set<string>();
  const add = (name: string) => {
    const file = bundle[name];
    if (found.has(name) || file?.type !== "chunk") return;
    found.add(name);
    file.imports.forEach(add);
    file.viteMetadata?.importedCss.forEach((css) => found.add(css));
  };
  add(chunk.fileName);
  return found;
}

function kilobytes(names: Set<string>, bundle: Rolldown.OutputBundle): number {
  let bytes = 0;
  for (const name of names) {
    const file = bundle[name];
    if (file) bytes += gzipSync(file.type === "chunk" ? file.code : file.source).length;
  }
  return bytes / 1000;
}
