/** The languages that are coloured, and the ends of the names of their files; a file may also be called so. */
const ENDINGS = {
  c: ["c", "h"],
  cpp: ["cc", "cpp", "cxx", "hh", "hpp", "hxx"],
  csharp: ["cs"],
  css: ["css"],
  docker: ["dockerfile"],
  go: ["go"],
  graphql: ["graphql", "gql", "graphqls"],
  html: ["html", "htm", "svg", "xml"],
  java: ["java"],
  json: ["json", "jsonc", "json5", "jsonl", "ndjson"],
  kotlin: ["kt", "kts"],
  lua: ["lua"],
  make: ["mk", "makefile"],
  markdown: ["md", "markdown"],
  php: ["php"],
  python: ["py", "pyi"],
  ruby: ["rb", "rake", "gemfile", "rakefile"],
  rust: ["rs"],
  scss: ["scss"],
  shellscript: ["sh", "bash", "zsh"],
  sql: ["sql"],
  swift: ["swift"],
  toml: ["toml"],
  // JavaScript is read as TypeScript: one grammar to load for what mostly comes together.
  tsx: ["tsx", "jsx", "js", "mjs", "cjs"],
  typescript: ["ts", "mts", "cts"],
  yaml: ["yaml", "yml"],
} as const;

/** A language that can be coloured. */
export type Language = keyof typeof ENDINGS;

const LANGUAGES = new Map(
  (Object.keys(ENDINGS) as Language[]).flatMap((language) =>
    ENDINGS[language].map((ending) => [ending as string, language] as const),
  ),
);

/** The language of a file by its name; null when it stays plain. */
export function languageOf(path: string): Language | null {
  const name = path.slice(path.lastIndexOf("/") + 1).toLowerCase();
  return LANGUAGES.get(name) ?? LANGUAGES.get(name.slice(name.lastIndexOf(".") + 1)) ?? null;
}

/** What people call a language, where that is neither its name here nor an ending. */
const CALLED: Readonly<Record<string, Language>> = {
  "c++": "cpp",
  "c#": "csharp",
  console: "shellscript",
  golang: "go",
  javascript: "tsx",
  node: "tsx",
  shell: "shellscript",
};

/** The language of fenced code, by the word behind its fence; null when it stays plain. */
export function languageNamed(word: string): Language | null {
  const name = word.toLowerCase();
  if (Object.hasOwn(ENDINGS, name)) return name as Language;
  return CALLED[name] ?? LANGUAGES.get(name) ?? null;
}
