import { Icon } from "~/design/Icon";
import { useWide } from "~/design/useWide";
import type { TreeNode } from "./model/fileTree";
import * as texts from "~/texts";

interface FileTreeProps {
  nodes: readonly TreeNode[];
  onChoose: (path: string) => void;
}

/** The files that were changed; a click shows the first change of one. */
export function FileTree({ nodes, onChoose }: FileTreeProps) {
  const wide = useWide();
  return (
    <nav
      aria-label={texts.logs.changedFiles}
      className="shrink-0 border-line max-md:border-b md:w-64 md:overflow-y-auto md:border-r"
    >
      {wide ? (
        <div className="p-2">
          <Nodes nodes={nodes} onChoose={onChoose} />
        </div>
      ) : (
        <details>
          <summary className="min-h-9 px-4 py-2 text-xs text-soft select-none hover:bg-hover pointer-coarse:py-3">
            {texts.logs.files}
          </summary>
          <div className="px-2 pb-2">
            <Nodes nodes={nodes} onChoose={onChoose} />
          </div>
        </details>
      )}
    </nav>
  );
}

function Nodes({ nodes, onChoose }: FileTreeProps) {
  return (
    <ul className="text-xs">
      {nodes.map((node) => (
        <li key={node.path}>
          {node.children ? (
            <details open>
              <summary className="min-h-7 truncate rounded-md px-2 py-1 text-faint select-none hover:bg-hover">
                {node.name}
              </summary>
              <div className="ml-2 border-l border-line pl-1">
                <Nodes nodes={node.children} onChoose={onChoose} />
              </div>
            </details>
          ) : (
            <button
              type="button"
              title={node.path}
              onClick={() => onChoose(node.path)}
              className="flex min-h-7 w-full items-center gap-1.5 rounded-md px-2 text-left text-soft hover:bg-hover hover:text-text pointer-coarse:min-h-10"
            >
              <Icon name="file" width="12" height="12" className="shrink-0 text-faint" />
              <span className="truncate">{node.name}</span>
            </button>
          )}
        </li>
      ))}
    </ul>
  );
}
