import { useId, useState } from "react";
import { useQuery } from "urql";
import { toast } from "~/app/toast";
import { Button, IconButton } from "~/design/Button";
import { Dialog, DialogBody, DialogFoot } from "~/design/Dialog";
import { Icon } from "~/design/Icon";
import type { Session } from "~/live/documents";
import { graphql, type ResultOf } from "~/live/wire/graphql";
import { said } from "~/live/wire/http";
import { useLive } from "~/live/LiveContext";
import { act } from "./act";
import { Select } from "./Field";
import { PersonPicker, type Picked } from "./PersonPicker";
import { usePermissions } from "./usePermissions";
import * as texts from "~/texts";

const ACCESS = graphql(`
  query SessionAccess($key: String!) {
    session(key: $key) {
      id
      access {
        private
        people {
          key
          name
          level
        }
        groups {
          key
          name
          level
        }
      }
    }
  }
`);

const SET_ACCESS = graphql(`
  mutation SetSessionAccess($input: SetSessionAccessInput!) {
    setSessionAccess(input: $input) {
      __typename
      ... on Refusal {
        code
        message
      }
    }
  }
`);

type Access = NonNullable<ResultOf<typeof ACCESS>["session"]>["access"];
type Level = Access["people"][number]["level"];
type Entry = Picked & { readonly level: Level };

/** To whom a session is open; who administers changes it. */
export function AccessDialog({ session, onClose }: { session: Session; onClose: () => void }) {
  const [{ data, error }] = useQuery({
    query: ACCESS,
    variables: { key: session.key },
    requestPolicy: "network-only",
  });
  const access = data?.session?.access;
  return (
    <Dialog open onClose={onClose} title={texts.access.title(session.name)}>
      {access ? (
        <Editor session={session} access={access} onClose={onClose} />
      ) : (
        <DialogBody>
          <p className={error ? "text-bad" : "text-faint"}>{error ? said(error) : texts.shared.loading}</p>
        </DialogBody>
      )}
    </Dialog>
  );
}

function Editor({ session, access, onClose }: { session: Session; access: Access; onClose: () => void }) {
  const { queries } = useLive();
  const mayChange = usePermissions().has("ADMINISTER");
  const [isPrivate, setPrivate] = useState(access.private);
  const [entries, setEntries] = useState<readonly Entry[]>(() => [
    ...access.groups.map((one) => ({ kind: "group" as const, ...one })),
    ...access.people.map((one) => ({ kind: "person" as const, ...one })),
  ]);
  const [problem, setProblem] = useState<string | null>(null);
  const save = async () => {
    const of = (kind: Picked["kind"]) =>
      isPrivate ? entries.filter((one) => one.kind === kind).map(({ key, level }) => ({ key, level })) : [];
    const input = { session: session.id, private: isPrivate, people: of("person"), groups: of("group") };
    const done = await act(queries, SET_ACCESS, input);
    setProblem(done.done ? null : done.message);
    if (!done.done) return;
    toast(texts.access.saved(session.name));
    onClose();
  };
  const setLevel = (key: string, level: Level) =>
    setEntries(entries.map((one) => (one.key === key ? { ...one, level } : one)));
  return (
    <>
      <DialogBody>
        <fieldset disabled={!mayChange} className="flex flex-col gap-2">
          <legend className="sr-only">{texts.access.who}</legend>
          <Choice
            checked={!isPrivate}
            onChoose={() => setPrivate(false)}
            title={texts.access.open}
            means={texts.access.openMeans}
          />
          <Choice
            checked={isPrivate}
            onChoose={() => setPrivate(true)}
            title={texts.access.private}
            means={texts.access.privateMeans}
          />
        </fieldset>
        {isPrivate && (
          <div className="mt-4 flex flex-col gap-3">
            {entries.length === 0 ? (
              <p className="text-faint">{texts.access.nobody}</p>
            ) : (
              <ul
                aria-label={texts.access.who}
                className="flex flex-col divide-y divide-line rounded-lg border border-line"
              >
                {entries.map(({ kind, key, name, level }) => (
                  <li key={key} className="flex flex-wrap items-center gap-2 px-3 py-2">
                    <span className="min-w-0 flex-1 break-words">
                      {name}
                      {kind === "group" && (
                        <span className="text-xs text-faint"> · {texts.people.aGroup}</span>
                      )}
                    </span>
                    <Select
                      aria-label={texts.access.levelOf(name)}
                      className="!w-auto"
                      disabled={!mayChange}
                      value={level}
                      onChange={(event) => setLevel(key, event.target.value as Level)}
                    >
                      <option value="VIEWER">{texts.access.viewer}</option>
                      <option value="DRIVER">{texts.access.driver}</option>
                    </Select>
                    {mayChange && (
                      <IconButton
                        label={texts.access.takeOut(name)}
                        onClick={() => setEntries(entries.filter((one) => one.key !== key))}
                      >
                        <Icon name="close" />
                      </IconButton>
                    )}
                  </li>
                ))}
              </ul>
            )}
            {mayChange && (
              <PersonPicker
                label={texts.access.add}
                groups
                but={new Set(entries.map(({ key }) => key))}
                onPick={(picked) => setEntries([...entries, { ...picked, level: "VIEWER" }])}
              />
            )}
          </div>
        )}
        {!mayChange && <p className="mt-4 text-faint">{texts.access.adminsChange}</p>}
        <p role="alert" className="mt-2 text-bad empty:hidden">
          {problem}
        </p>
      </DialogBody>
      <DialogFoot>
        <Button look="quiet" onClick={onClose}>
          {mayChange ? texts.shared.cancel : texts.people.done}
        </Button>
        {mayChange && (
          <Button look="primary" onClick={() => void save()}>
            {texts.access.save}
          </Button>
        )}
      </DialogFoot>
    </>
  );
}

interface ChoiceProps {
  checked: boolean;
  onChoose: () => void;
  means: string;
  title: string;
}

function Choice({ checked, onChoose, means, title }: ChoiceProps) {
  const id = useId();
  return (
    <div className="flex items-start gap-2 py-1">
      <input
        id={id}
        type="radio"
        name="private"
        className="mt-1"
        checked={checked}
        aria-describedby={`${id}-means`}
        onChange={onChoose}
      />
      <div>
        <label htmlFor={id} className="font-medium">
          {title}
        </label>
        <p id={`${id}-means`} className="text-xs text-faint">
          {means}
        </p>
      </div>
    </div>
  );
}
