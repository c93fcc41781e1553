import { Suspense, useState } from "react";
import { useCommands } from "~/app/commands";
import { Button } from "~/design/Button";
import { Icon } from "~/design/Icon";
import { placeWords } from "~/live/stops";
import { lazily } from "~/live/wire/code";
import type { Target } from "./stopping";
import { useMayStop, useStop } from "./useStop";
import * as texts from "~/texts";

const StopDialog = lazily(() => import("./StopDialog").then((m) => ({ default: m.StopDialog })));

interface StopButtonProps {
  target: Target;
  /** The names of the agents that it meets. */
  agents: readonly string[];
}

/** Stops all agents of a place after a question, for who may; nothing while it is stopped already. */
export function StopButton({ target, agents }: StopButtonProps) {
  const [asking, setAsking] = useState(false);
  const stopped = useStop(target);
  const offered = useMayStop(target) && stopped === undefined;
  const place = placeWords(target);
  useCommands(
    offered
      ? [
          {
            id: `stop ${target.scope} ${target.ofKey}`,
            title: texts.acting.stopPlaceEllipsis(place),
            section: texts.acting.section,
            words: texts.acting.stopWords,
            run: () => setAsking(true),
          },
        ]
      : [],
  );
  return (
    <>
      {offered && (
        <Button
          size="small"
          look="danger"
          aria-label={texts.acting.stopAllPlace(place)}
          onClick={() => setAsking(true)}
        >
          <Icon name="stop" width="13" height="13" />
          {texts.acting.stopAll}
        </Button>
      )}
      <Suspense>
        {asking && <StopDialog target={target} agents={agents} onClose={() => setAsking(false)} />}
      </Suspense>
    </>
  );
}
