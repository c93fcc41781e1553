/** A folder or a file of a tree; folders with nothing but one folder in them are one with it. */
export interface TreeNode {
  readonly name: string;
  /** The whole path. */
  readonly path: string;
  /** null for a file. */
  readonly children: readonly TreeNode[] | null;
}

interface Folder {
  readonly folders: Map<string, Folder>;
  readonly files: Set<string>;
}

/** The tree of these files: folders first, each by name. What all paths begin with is left out of the names. */
export function fileTree(paths: readonly string[]): TreeNode[] {
  const root = folder();
  for (const path of paths) {
    const parts = path.split("/");
    const file = parts.pop() ?? "";
    let place = root;
    for (const part of parts) {
      let next = place.folders.get(part);
      if (!next) place.folders.set(part, (next = folder()));
      place = next;
    }
    place.files.add(file);
  }
  return nodes(root, "");
}

const folder = (): Folder => ({ folders: new Map(), files: new Set() });

function nodes(here: Folder, under: string): TreeNode[] {
  const folders = [...here.folders].map(([name, inside]) => folderNode(name, inside, under));
  const files = [...here.files].map((name) => ({ name, path: under + name, children: null }));
  return [...folders.sort(byName), ...files.sort(byName)];
}

function folderNode(name: string, inside: Folder, under: string): TreeNode {
  let [title, place, path] = [name, inside, `${under}${name}/`];
  while (place.files.size === 0 && place.folders.size === 1) {
    const [[next, only]] = place.folders as unknown as [[string, Folder]];
    [title, place, path] = [`${title}/${next}`, only, `${path}${next}/`];
  }
  return { name: title, path, children: nodes(place, path) };
}

const byName = (one: TreeNode, other: TreeNode) => one.name.localeCompare(other.name);
