import { useState } from "react";
import { Field, Select } from "~/acting/Field";
import { Button } from "~/design/Button";
import { Dialog } from "~/design/Dialog";
import { Output } from "~/design/Output";
import type { Answer } from "~/live/wire/ask";
import { useWorkspace } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";
import { fire, type Fired, type Hook } from "./hooks";
import { doneLines } from "./model/lines";
import * as texts from "~/texts";

interface FireDialogProps {
  hook: Hook;
  onClose: () => void;
  again: () => void;
}

/** Lets a hook run now, for an agent on a machine of one's choice, and shows exactly what was ordered. */
export function FireDialog({ hook, onClose, again }: FireDialogProps) {
  const [answer, setAnswer] = useState<Answer<Fired>>();
  return (
    <Dialog open onClose={onClose} title={texts.hooks.fireHook(hook.id)} description={texts.hooks.fireHow}>
      <div className="flex flex-col gap-4 overflow-y-auto px-5 pb-5">
        <Choice
          hook={hook}
          onAnswer={(next) => {
            setAnswer(next);
            again();
          }}
        />
        <div role="status" className="flex flex-col gap-3 empty:hidden">
          {answer && "refused" in answer && <p className="text-bad">{answer.refused}</p>}
          {answer && "value" in answer && <Ordered fired={answer.value} />}
        </div>
      </div>
    </Dialog>
  );
}

function Choice({ hook, onAnswer }: { hook: Hook; onAnswer: (answer: Answer<Fired>) => void }) {
  const overview = useReadable(useWorkspace().overview);
  const machines = overview.state === "ready" ? (overview.value.workspace.proxies?.nodes ?? []) : [];
  const [chosen, setChosen] = useState<string>();
  const [busy, setBusy] = useState(false);
  const usable = machines.filter((each) => each.agents > 0);
  const machine = chosen ?? usable[0]?.key;
  if (machine === undefined) return <p className="text-soft">{texts.hooks.noMachine}</p>;
  return (
    <form
      className="flex flex-wrap items-end gap-3"
      onSubmit={(event) => {
        event.preventDefault();
        setBusy(true);
        void fire(hook.id, machine).then((answer) => {
          setBusy(false);
          onAnswer(answer);
        });
      }}
    >
      <div className="min-w-40 flex-1">
        <Field id="fire-machine" label={texts.hooks.machine}>
          <Select id="fire-machine" value={machine} onChange={({ target }) => setChosen(target.value)}>
            {usable.map(({ key, name }) => (
              <option key={key} value={key}>
                {name}
              </option>
            ))}
          </Select>
        </Field>
      </div>
      <Button type="submit" look="primary" disabled={busy}>
        {texts.hooks.fireNow}
      </Button>
    </form>
  );
}

function Ordered({ fired }: { fired: Fired }) {
  return (
    <>
      <p className="text-soft">
        {texts.hooks.firedFor(fired.agent, fired.session)}{" "}
        {fired.from_log ? texts.hooks.fromLog : texts.hooks.madeUp}
      </p>
      <Output label={texts.hooks.ordersThis} text={doneLines(fired.does).join("\n")} />
    </>
  );
}
