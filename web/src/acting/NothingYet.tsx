import type { ReactNode } from "react";
import { Empty } from "~/design/Empty";
import { usePermissions } from "./usePermissions";
import * as texts from "~/texts";

interface NothingYetProps {
  title: string;
  /** What will be here. */
  children?: ReactNode;
  /** How somebody who may start agents begins, ahead of the command. */
  how: string;
  command: string;
}

/** Nothing here before somebody starts an agent. Who may not is given no command that would be refused. */
export function NothingYet({ title, children, how, command }: NothingYetProps) {
  const may = usePermissions().has("SPAWN");
  return (
    <Empty title={title} command={may ? command : undefined}>
      {children} {may ? how : texts.acting.othersBegin}
    </Empty>
  );
}
