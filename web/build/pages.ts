import { dirname } from "node:path";
import { gzipSync } from "node:zlib";
import type { Plugin, Rolldown } from "vite";

/** The first word of each page's address, and the file that draws the page. `broker/gateway/dashboard.py` serves them. */
export const PAGES: Readonly<Record<string, string>> = {
  index: "src/pages/home/HomePage.tsx",
  session: "src/pages/activity/ActivityPage.tsx",
  machine: "src/pages/machine/MachinePage.tsx",
  inbox: "src/pages/inbox/InboxPage.tsx",
  logs: "src/pages/logs/LogsPage.tsx",
  usage: "src/pages/usage/UsagePage.tsx",
  workflows: "src/pages/workflows/WorkflowsPage.tsx",
  rules: "src/pages/rules/RulesPage.tsx",
  hooks: "src/pages/hooks/HooksPage.tsx",
  people: "src/pages/people/PeoplePage.tsx",
  groups: "src/pages/groups/GroupsPage.tsx",
  "access-tokens": "src/pages/access-tokens/TokensPage.tsx",
  audit: "src/pages/audit/AuditPage.tsx",
  settings: "src/pages/settings/SettingsPage.tsx",
  "sign-in": "src/pages/sign-in/SignInPage.tsx",
};

/**
 * Lays an HTML file for each page, which names the page's own files beside those that all pages have: a browser loads
 * them at once rather than when the first script has run. Prints what a first visit of each loads, in gzipped kilobytes;
 * too much fails the build.
 */
export function pages({ mostKilobytes }: { mostKilobytes: number }): Plugin {
  return {
    name: "relaycast:pages",
    apply: "build",
    enforce: "post",
    generateBundle(_options, bundle) {
      const chunks = Object.values(bundle).filter((file) => file.type === "chunk");
      const entry = chunks.find((chunk) => chunk.isEntry);
      const index = bundle["index.html"];
      if (!entry || index?.type !== "asset") return this.error("there is no index.html");
      // A page's address may have any depth: from the root, which the gateway changes where that is another.
      const live = chunks.find((chunk) => chunk.name === "live");
      if (!live) return this.error("nothing asks ahead");
      const html = String(index.source)
        .replaceAll('="./', '="/')
        // Not only loaded but run ahead of the rest.
        .replace(
          '<script type="module"',
          `<script type="module" async crossorigin src="/${live.fileName}"></script>\n    $&`,
        );
      const everywhere = withImports(entry, bundle);
      const shared = kilobytes([...everywhere], bundle);
      for (const [name, source] of Object.entries(PAGES)) {
        const chunk = chunks.find((one) => one.facadeModuleId?.endsWith(source));
        if (!chunk) return this.error(`no page is built from ${source}`);
        const ahead = chunks.find((one) => one.facadeModuleId?.endsWith(`${dirname(source)}/ahead.ts`));
        const all = [chunk, ...(ahead ? [ahead] : [])].flatMap((one) => [...withImports(one, bundle)]);
        const own = [...new Set(all)].filter((file) => !everywhere.has(file));
        const page = html.replace("  </head>", `${own.map(link).join("")}  </head>`);
        if (name === "index") index.source = page;
        else this.emitFile({ type: "asset", fileName: `${name}.html`, source: page });

        const total = shared + kilobytes(own, bundle);
        this.info(`first visit of ${source}: ${total.toFixed(1)} kB gzipped, of at most ${mostKilobytes}`);
        if (total > mostKilobytes)
          this.error(`a first visit of ${source} loads more than ${mostKilobytes} kB`);
      }
    },
  };
}

function link(file: string): string {
  const how = file.endsWith(".css") ? 'rel="preload" as="style"' : 'rel="modulepreload"';
  return `    <link ${how} crossorigin href="/${file}">\n`;
}

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

function kilobytes(names: readonly string[], bundle: Rolldown.OutputBundle): number {
  let bytes = 0;
  for (const name of names) {
    const file = bundle[name];
    if (file) bytes += gzipSync(file.type === "chunk" ? file.code : file.source).length;
  }
  return bytes / 1000;
}
