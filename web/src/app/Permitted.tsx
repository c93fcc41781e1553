import { useRouterState } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { Empty } from "~/design/Empty";
import { PageHead } from "~/design/PageHead";
import { useWorkspace } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";
import { shutTitle } from "./pages";
import * as texts from "~/texts";

/** A page, or that the viewer's role does not see it: without this it would offer what it cannot show, and say a refusal. */
export function Permitted({ children }: { children: ReactNode }) {
  const overview = useReadable(useWorkspace().overview);
  const path = useRouterState({ select: (state) => state.location.pathname });
  if (overview.state !== "ready") return children;
  const { viewer } = overview.value;
  const title = shutTitle(path.split("/")[1] ?? "", viewer);
  if (title === null) return children;
  return (
    <>
      <PageHead title={title} />
      <Empty title={texts.shell.notForRole}>
        {viewer.role ? texts.shell.notForRoleAs(viewer.role.toLowerCase()) : texts.shell.notForGuest}
      </Empty>
    </>
  );
}
