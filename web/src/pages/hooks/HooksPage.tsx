import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { usePermissions } from "~/acting/usePermissions";
import { toast } from "~/app/toast";
import { Badge } from "~/design/Badge";
import { Button } from "~/design/Button";
import { Empty } from "~/design/Empty";
import { PageHead } from "~/design/PageHead";
import { TabPanel, Tabs } from "~/design/Tabs";
import { useAnswer } from "~/live/useAnswer";
import type { Tab } from "./address";
import { Editor } from "./Editor";
import { HookList } from "./HookList";
import { ABOUT_HOOKS, pause, readEverything, type Everything, type Saved } from "./hooks";
import { Runs } from "./Runs";
import { Undelivered } from "./Undelivered";
import * as texts from "~/texts";

const route = getRouteApi("/shell/hooks");

/** The workspace's hooks: what they do, their text, and what became of their runs. */
export function HooksPage() {
  const { answer, again, put } = useAnswer(readEverything, ABOUT_HOOKS);
  if (!answer || "refused" in answer)
    return (
      <>
        <PageHead title={texts.hooks.title} />
        {answer ? (
          <Empty title={texts.hooks.notRead}>{answer.refused}</Empty>
        ) : (
          <p className="px-4 py-6 text-faint">{texts.shared.loading}</p>
        )}
      </>
    );
  const shown = answer.value;
  const onSaved = (saved: Saved) => {
    put({ value: { ...shown, saved } });
    again();
  };
  return (
    <>
      <PageHead title={texts.hooks.title} actions={<Pausing saved={shown.saved} onSaved={onSaved} />}>
        {shown.saved.paused && <Badge tone="warn">{texts.hooks.allPaused}</Badge>}
      </PageHead>
      <Parts shown={shown} onSaved={onSaved} again={again} />
    </>
  );
}

interface PartsProps {
  shown: Everything;
  onSaved: (saved: Saved) => void;
  again: () => void;
}

function Parts({ shown, onSaved, again }: PartsProps) {
  const { tab = "hooks", hook } = route.useSearch();
  const navigate = route.useNavigate();
  const edits = usePermissions().has("ADMINISTER");
  const tabs: { name: Tab; title: string }[] = [
    { name: "hooks", title: texts.hooks.list },
    ...(edits ? [{ name: "edit" as const, title: texts.hooks.edit }] : []),
    { name: "history", title: texts.hooks.history },
    { name: "undelivered", title: texts.hooks.undelivered(shown.undelivered.length) },
  ];
  const value = tabs.some(({ name }) => name === tab) ? tab : "hooks";
  return (
    <Tabs
      label={texts.hooks.views}
      value={value}
      tabs={tabs}
      onChange={(next) => void navigate({ search: next === "hooks" ? {} : { tab: next }, replace: true })}
    >
      <TabPanel value={value} className="mx-auto flex w-full max-w-6xl min-w-0 flex-col gap-4 px-4 py-5">
        {value === "hooks" && <HookList shown={shown} again={again} />}
        {value === "edit" && <Editor saved={shown.saved} onSaved={onSaved} again={again} />}
        {value === "history" && <Runs runs={shown.runs} hook={hook} />}
        {value === "undelivered" && <Undelivered runs={shown.undelivered} again={again} />}
      </TabPanel>
    </Tabs>
  );
}

function Pausing({ saved, onSaved }: { saved: Saved; onSaved: (saved: Saved) => void }) {
  const may = usePermissions().has("ADMINISTER");
  const [busy, setBusy] = useState(false);
  if (!may || (saved.hooks.length === 0 && !saved.paused)) return null;
  const change = () => {
    setBusy(true);
    void pause(!saved.paused).then((answer) => {
      setBusy(false);
      if ("value" in answer) onSaved(answer.value);
      else toast(texts.hooks.notDone, { description: answer.refused, failed: true });
    });
  };
  return (
    <Button size="small" look={saved.paused ? "primary" : "plain"} disabled={busy} onClick={change}>
      {saved.paused ? texts.hooks.resume : texts.hooks.pause}
    </Button>
  );
}
