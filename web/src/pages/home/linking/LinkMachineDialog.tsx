import { useState, type SubmitEvent } from "react";
import { useQuery } from "urql";
import { act } from "~/acting/act";
import { Field, INPUT } from "~/acting/Field";
import { toast } from "~/app/toast";
import { Button } from "~/design/Button";
import { Command } from "~/design/Command";
import { Dialog, DialogBody, DialogFoot } from "~/design/Dialog";
import { whole } from "~/design/time";
import { brokerUrl } from "~/live/wire/base";
import { useLive } from "~/live/LiveContext";
import { CREATE_MACHINE_CODE, MACHINE_CODES, REVOKE_MACHINE_CODE, type OpenCode } from "./documents";
import * as texts from "~/texts";

/** Makes codes that link one machine each, and shows those that are open. */
export function LinkMachineDialog({ onClose }: { onClose: () => void }) {
  const { queries } = useLive();
  const [{ data }, read] = useQuery({ query: MACHINE_CODES, requestPolicy: "cache-and-network" });
  const [made, setMade] = useState<{ code: string; until: string } | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const readAgain = () => read({ requestPolicy: "network-only" });
  const submit = async (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const name = new FormData(event.currentTarget).get("name");
    const given = typeof name === "string" ? name.trim() : "";
    const done = await act(queries, CREATE_MACHINE_CODE, { name: given || texts.home.someMachine });
    setProblem(done.done ? null : done.message);
    if (done.done && done.result.__typename === "MachineCodeMade")
      setMade({ code: done.result.secret, until: done.result.machineCode.expiresAt });
    readAgain();
  };
  const revoke = async (code: OpenCode) => {
    const done = await act(queries, REVOKE_MACHINE_CODE, { machineCode: code.key });
    if (done.done) toast(texts.home.codeRevoked);
    else toast(texts.home.codeNotRevoked, { description: done.message, failed: true });
    readAgain();
  };
  return (
    <Dialog open onClose={onClose} title={texts.home.linkMachine} description={texts.home.linkMachineMeans}>
      <form className="contents" onSubmit={(event) => void submit(event)}>
        <DialogBody>
          <div className="flex flex-col gap-4">
            {made && <Made {...made} />}
            <Field id="machine-name" label={texts.home.machineName} hint={texts.home.machineNameHint}>
              <input id="machine-name" name="name" maxLength={60} autoComplete="off" className={INPUT} />
            </Field>
            {problem && (
              <p role="alert" className="text-bad">
                {problem}
              </p>
            )}
            <OpenCodes codes={data?.workspace.machineCodes ?? []} onRevoke={(code) => void revoke(code)} />
          </div>
        </DialogBody>
        <DialogFoot>
          <Button onClick={onClose}>{texts.people.done}</Button>
          <Button type="submit" look="primary">
            {made ? texts.home.makeAnotherCode : texts.home.makeCode}
          </Button>
        </DialogFoot>
      </form>
    </Dialog>
  );
}

/** The command to run there, this once. */
function Made({ code, until }: { code: string; until: string }) {
  return (
    <section aria-label={texts.home.linkCommand} className="flex flex-col gap-2">
      <p className="text-soft">{texts.home.codeMeans(whole(Date.parse(until)))}</p>
      <Command text={`relay-connect --headless --url ${brokerUrl(location)} --enrol ${code}`} />
    </section>
  );
}

function OpenCodes({ codes, onRevoke }: { codes: readonly OpenCode[]; onRevoke: (code: OpenCode) => void }) {
  if (codes.length === 0) return null;
  return (
    <section aria-labelledby="open-codes" className="flex flex-col gap-2">
      <h3 id="open-codes" className="text-xs text-soft">
        {texts.home.openCodes}
      </h3>
      <ul className="flex flex-col divide-y divide-line rounded-xl border border-line">
        {codes.map((code) => (
          <li key={code.key} className="flex flex-wrap items-center gap-x-3 gap-y-2 px-3 py-2">
            <span className="min-w-0 flex-1 basis-40">
              <span className="font-medium break-words">{code.name}</span>
              <span className="block text-xs text-faint">
                {texts.people.openUntil(whole(Date.parse(code.expiresAt)))}
              </span>
            </span>
            <Button size="small" look="danger" onClick={() => onRevoke(code)}>
              {texts.people.revoke}
            </Button>
          </li>
        ))}
      </ul>
    </section>
  );
}
