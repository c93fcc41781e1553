import { Suspense, useState } from "react";
import { act } from "~/acting/act";
import { Select } from "~/acting/Field";
import { toast } from "~/app/toast";
import { Badge } from "~/design/Badge";
import { Button } from "~/design/Button";
import { Table } from "~/design/Table";
import { dayOrClock } from "~/design/time";
import { useLive, useWorkspace } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";
import { lazily } from "~/live/wire/code";
import {
  END_SIGN_INS,
  REINSTATE_PERSON,
  SET_ROLE,
  SIGN_IN_LINK,
  SUSPEND_PERSON,
  type Person,
} from "./documents";
import { givenBy, roleWords, type Role } from "./roles";
import * as texts from "~/texts";

const LinkDialog = lazily(() => import("./LinkDialog").then((m) => ({ default: m.LinkDialog })));
const PersonDialog = lazily(() => import("./PersonDialog").then((m) => ({ default: m.PersonDialog })));
const RemoveDialog = lazily(() => import("./RemoveDialog").then((m) => ({ default: m.RemoveDialog })));

interface PeopleTableProps {
  people: readonly Person[];
  onChanged: () => void;
}

type Asking =
  | { readonly what: "link"; readonly title: string; readonly url: string; readonly until: string }
  | { readonly what: "manage" | "remove"; readonly person: Person };

/** Some people: their roles, and what ends their access. */
export function PeopleTable({ people, onChanged }: PeopleTableProps) {
  const { queries } = useLive();
  const overview = useReadable(useWorkspace().overview);
  const viewer = overview.state === "ready" ? overview.value.viewer : null;
  const [asking, setAsking] = useState<Asking | null>(null);
  const setRole = async (person: Person, role: Role) => {
    const done = await act(queries, SET_ROLE, { member: person.key, role });
    if (done.done) toast(texts.people.roleChanged(person.name, roleWords(role).title));
    else toast(texts.people.notDone, { description: done.message, failed: true });
    onChanged();
  };
  const signOut = async (person: Person) => {
    const done = await act(queries, END_SIGN_INS, { member: person.key });
    if (done.done) toast(texts.people.signedOut(person.name));
    else toast(texts.people.notDone, { description: done.message, failed: true });
  };
  const suspend = async (person: Person) => {
    const on = person.suspendedAt === null;
    const done = await act(queries, on ? SUSPEND_PERSON : REINSTATE_PERSON, { member: person.key });
    if (done.done) toast(on ? texts.people.suspended(person.name) : texts.people.reinstated(person.name));
    else toast(texts.people.notDone, { description: done.message, failed: true });
    onChanged();
  };
  const link = async (person: Person) => {
    const done = await act(queries, SIGN_IN_LINK, { member: person.key });
    if (!done.done) toast(texts.people.notDone, { description: done.message, failed: true });
    else if (done.result.__typename === "MemberInvited")
      setAsking({
        what: "link",
        title: texts.people.linkFor(person.name),
        url: done.result.signInUrl,
        until: done.result.expiresAt,
      });
  };
  const roles = givenBy(viewer?.role ?? null, viewer?.kind === "MEMBER");
  const mayChange = (person: Person) => roles.some(({ role }) => role === person.role);
  return (
    <div className="rounded-xl border border-line">
      <Table
        caption={texts.people.members}
        rows={people}
        rowKey={({ key }) => key}
        columns={[
          {
            title: texts.people.name,
            cell: (person) => (
              <span className="flex flex-wrap items-center gap-x-2 font-medium">
                <span className="break-words">{person.name}</span>
                {person.key === viewer?.memberKey && <Badge>{texts.people.you}</Badge>}
                {person.suspendedAt !== null && <Badge>{texts.people.isSuspended}</Badge>}
                {!person.hasSignedIn && <Badge>{texts.people.neverSignedIn}</Badge>}
              </span>
            ),
          },
          {
            title: texts.people.role,
            cell: (person) =>
              mayChange(person) ? (
                <Select
                  aria-label={texts.people.roleOf(person.name)}
                  className="!w-auto"
                  value={person.role}
                  title={roleWords(person.role).means}
                  onChange={(event) => void setRole(person, event.target.value as Role)}
                >
                  {roles.map(({ role, title }) => (
                    <option key={role} value={role}>
                      {title}
                    </option>
                  ))}
                </Select>
              ) : (
                <span title={roleWords(person.role).means}>{roleWords(person.role).title}</span>
              ),
          },
          {
            title: texts.people.since,
            cell: ({ createdAt }) => (
              <time dateTime={createdAt} className="whitespace-nowrap text-soft">
                {dayOrClock(Date.parse(createdAt))}
              </time>
            ),
          },
          {
            title: texts.people.actions,
            cell: (person) =>
              mayChange(person) && (
                <Button
                  size="small"
                  aria-label={texts.people.actionsFor(person.name)}
                  onClick={() => setAsking({ what: "manage", person })}
                >
                  {texts.people.manage}
                </Button>
              ),
          },
        ]}
      />
      <Suspense>
        {asking?.what === "link" && <LinkDialog {...asking} onClose={() => setAsking(null)} />}
        {asking?.what === "manage" && (
          <PersonDialog
            person={asking.person}
            onClose={() => setAsking(null)}
            onLink={() => void link(asking.person)}
            onSignOut={() => {
              setAsking(null);
              void signOut(asking.person);
            }}
            onSuspend={() => {
              setAsking(null);
              void suspend(asking.person);
            }}
            onRemove={() => setAsking({ what: "remove", person: asking.person })}
          />
        )}
        {asking?.what === "remove" && (
          <RemoveDialog person={asking.person} onClose={() => setAsking(null)} onRemoved={onChanged} />
        )}
      </Suspense>
    </div>
  );
}
