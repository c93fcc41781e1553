import { useRef, useState, type SubmitEvent } from "react";
import { toast } from "~/app/toast";
import { Button } from "~/design/Button";
import { Dialog, DialogBody, DialogFoot } from "~/design/Dialog";
import { useLive, useWorkspace } from "~/live/LiveContext";
import { agentWords, placeWords } from "~/live/stops";
import { act, freshKey } from "./act";
import { STOP_ALL } from "./documents";
import { Field, INPUT } from "./Field";
import { placeOf, type Target } from "./stopping";
import * as texts from "~/texts";

interface StopDialogProps {
  target: Target;
  /** The names of the agents that it meets. */
  agents: readonly string[];
  onClose: () => void;
}

const HOW = [
  { how: "PAUSE", title: texts.acting.pause, hint: texts.acting.pauseMeans },
  { how: "RELEASE", title: texts.acting.release, hint: texts.acting.releaseMeans },
] as const;

/** Asks before all agents of a place are stopped, and says who they are. */
export function StopDialog({ target, agents, onClose }: StopDialogProps) {
  const { queries } = useLive();
  const workspace = useWorkspace();
  const [how, setHow] = useState<"PAUSE" | "RELEASE">("PAUSE");
  const [note, setNote] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const again = useRef(freshKey());
  const place = placeWords(target);

  const submit = async (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    const done = await act(queries, STOP_ALL, { ...placeOf(target), how, note }, again.current);
    setBusy(false);
    if (!done.done) {
      setProblem(done.message);
      return;
    }
    workspace.refreshSoon();
    toast(texts.acting.stopped(place));
    onClose();
  };

  return (
    <Dialog
      open
      onClose={onClose}
      title={texts.acting.stopPlace(place)}
      description={`${agentWords(agents)}.`}
    >
      <form className="contents" onSubmit={(event) => void submit(event)}>
        <DialogBody>
          <p className="mb-3 text-soft">{texts.acting.stopMeans}</p>
          <fieldset className="mb-3 flex flex-col gap-1.5">
            <legend className="mb-1 text-xs text-soft">{texts.acting.whatOfAgents}</legend>
            {HOW.map((one) => (
              <label key={one.how} className="flex items-baseline gap-2">
                <input type="radio" name="how" checked={how === one.how} onChange={() => setHow(one.how)} />
                <span>
                  {one.title} <span className="text-faint">· {one.hint}</span>
                </span>
              </label>
            ))}
          </fieldset>
          <Field id="stop-note" label={texts.acting.why} hint={texts.acting.whyHint}>
            <input
              id="stop-note"
              maxLength={500}
              value={note}
              onChange={(event) => setNote(event.target.value)}
              className={INPUT}
            />
          </Field>
          {problem && (
            <p role="alert" className="mt-3 text-bad">
              {problem}
            </p>
          )}
        </DialogBody>
        <DialogFoot>
          <Button look="quiet" onClick={onClose}>
            {texts.shared.cancel}
          </Button>
          <Button type="submit" look="danger" disabled={busy}>
            {texts.acting.stop} {place}
          </Button>
        </DialogFoot>
      </form>
    </Dialog>
  );
}
