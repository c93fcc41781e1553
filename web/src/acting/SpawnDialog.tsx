import { useNavigate } from "@tanstack/react-router";
import { useId, useRef, useState, type SubmitEvent } from "react";
import { Button } from "~/design/Button";
import { Dialog, DialogBody, DialogFoot } from "~/design/Dialog";
import { Empty } from "~/design/Empty";
import { startCommand } from "~/live/startCommand";
import type { Overview, Proxy, Session } from "~/live/documents";
import { useLive, useWorkspace } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";
import { act, freshKey, type Done } from "./act";
import { CREATE_SESSION, SPAWN } from "./documents";
import { Field, INPUT, Select, TextArea } from "./Field";
import { tellStart } from "./outcome";
import * as texts from "~/texts";

const NEW_SESSION = "";

interface SpawnDialogProps {
  /** The key of the session to begin with. */
  session: string | undefined;
  onClose: () => void;
}

/** Starts an agent: where, which program, and what it is to do. */
export function SpawnDialog({ session, onClose }: SpawnDialogProps) {
  const overview = useReadable(useWorkspace().overview);
  if (overview.state !== "ready") return null;
  const machines = (overview.value.workspace.proxies?.nodes ?? []).filter((proxy) => proxy.online);
  return (
    <Dialog open onClose={onClose} title={texts.acting.spawnAnAgent}>
      {machines.length === 0 ? (
        <Empty title={texts.acting.noMachine} command={startCommand(undefined)}>
          {texts.acting.noMachineHow}
        </Empty>
      ) : (
        <SpawnForm overview={overview.value} machines={machines} session={session} onClose={onClose} />
      )}
    </Dialog>
  );
}

interface SpawnFormProps extends SpawnDialogProps {
  overview: Overview;
  machines: readonly Proxy[];
}

function SpawnForm({ overview, machines, session, onClose }: SpawnFormProps) {
  const sessions = overview.workspace.sessions.nodes;
  const id = useId();
  const navigate = useNavigate();
  const { queries } = useLive();
  const { agents } = useWorkspace();
  const [where, setWhere] = useState(() => sessions.find((one) => one.key === session)?.key ?? NEW_SESSION);
  const [machine, setMachine] = useState(machines[0]?.key ?? "");
  const usable = machines.find((one) => one.key === machine)?.clis.filter((cli) => cli.supported) ?? [];
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  // The same intention keeps its keys: a second try after a lost answer starts nothing twice.
  const again = useRef({ session: freshKey(), agent: freshKey() });

  const submit = async (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => ((form.get(name) as string | null) ?? "").trim();
    setBusy(true);
    setProblem(null);
    const place = await (where === NEW_SESSION
      ? createSession(text("sessionName"))
      : Promise.resolve(known(sessions, where)));
    const done = place.done ? await spawn(place.result.id) : place;
    setBusy(false);
    if (!done.done) {
      again.current = { ...again.current, agent: freshKey() };
      setProblem(done.message);
      return;
    }
    onClose();
    if (done.result.__typename === "AgentSpawned")
      tellStart(agents, { key: done.result.agent.key, name: done.result.agent.name, generation: 1 });
    if (place.done) void navigate({ to: "/session/$key", params: { key: place.result.key } });

    async function createSession(name: string): Promise<Done<{ id: string; key: string }>> {
      const made = await act(queries, CREATE_SESSION, { name }, again.current.session);
      if (!made.done) return made;
      const { result } = made;
      if (result.__typename !== "SessionCreated") throw new Error(result.__typename);
      return { done: true, result: result.session };
    }

    function spawn(into: string) {
      const input = {
        session: into,
        name: text("name"),
        cli: text("cli"),
        task: text("task") || null,
        machine,
        cwd: text("cwd") || null,
        model: text("model") || null,
      };
      return act(queries, SPAWN, input, again.current.agent);
    }
  };

  return (
    <form className="contents" onSubmit={(event) => void submit(event)}>
      <DialogBody>
        <div className="grid gap-3 sm:grid-cols-2">
          <Field id={`${id}-session`} label={texts.acting.session}>
            <Select id={`${id}-session`} value={where} onChange={(event) => setWhere(event.target.value)}>
              {sessions.map((one) => (
                <option key={one.key} value={one.key}>
                  {one.name}
                </option>
              ))}
              <option value={NEW_SESSION}>{texts.acting.newSession}</option>
            </Select>
          </Field>
          {where === NEW_SESSION ? (
            <Field id={`${id}-sname`} label={texts.acting.newSessionName}>
              <input id={`${id}-sname`} name="sessionName" required maxLength={200} className={INPUT} />
            </Field>
          ) : (
            <span className="hidden sm:block" />
          )}
          <Field id={`${id}-machine`} label={texts.acting.machine}>
            <Select id={`${id}-machine`} value={machine} onChange={(event) => setMachine(event.target.value)}>
              {machines.map((one) => (
                <option key={one.key} value={one.key}>
                  {one.name}
                </option>
              ))}
            </Select>
          </Field>
          <Field id={`${id}-cli`} label={texts.acting.agent}>
            <Select id={`${id}-cli`} name="cli" required>
              {usable.map(({ cli, version }) => (
                <option key={cli} value={cli}>
                  {version ? `${cli} ${version}` : cli}
                </option>
              ))}
            </Select>
          </Field>
          <Field id={`${id}-name`} label={texts.acting.name}>
            <input
              id={`${id}-name`}
              name="name"
              required
              maxLength={64}
              pattern="[A-Za-z][A-Za-z0-9_.\-]*"
              title={texts.acting.nameRule}
              placeholder={texts.acting.nameExample}
              autoComplete="off"
              className={INPUT}
            />
          </Field>
          <Field id={`${id}-model`} label={texts.acting.model} hint={texts.acting.modelHint}>
            <input id={`${id}-model`} name="model" autoComplete="off" className={INPUT} />
          </Field>
          <div className="sm:col-span-2">
            <Field id={`${id}-cwd`} label={texts.acting.folder} hint={texts.acting.folderHint}>
              <input
                id={`${id}-cwd`}
                name="cwd"
                autoComplete="off"
                placeholder="/home/me/project"
                className={INPUT}
              />
            </Field>
          </div>
          <div className="sm:col-span-2">
            <Field id={`${id}-task`} label={texts.acting.task} hint={texts.acting.taskHint}>
              <TextArea id={`${id}-task`} name="task" rows={4} />
            </Field>
          </div>
        </div>
        <p role="alert" className="mt-2 min-h-5 text-bad">
          {problem}
        </p>
      </DialogBody>
      <DialogFoot>
        <Button look="quiet" onClick={onClose}>
          {texts.shared.cancel}
        </Button>
        <Button type="submit" look="primary" disabled={busy || usable.length === 0}>
          {busy ? texts.acting.starting : texts.acting.spawn}
        </Button>
      </DialogFoot>
    </form>
  );
}

function known(sessions: readonly Session[], key: string): Done<{ id: string; key: string }> {
  const found = sessions.find((one) => one.key === key);
  return found
    ? { done: true, result: found }
    : { done: false, code: "SESSION_NOT_FOUND", message: texts.acting.sessionGone };
}
