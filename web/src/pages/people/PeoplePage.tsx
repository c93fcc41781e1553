import { getRouteApi } from "@tanstack/react-router";
import { Suspense, useState } from "react";
import { useQuery } from "urql";
import { usePermissions } from "~/acting/usePermissions";
import { Button } from "~/design/Button";
import { Empty } from "~/design/Empty";
import { PageHead } from "~/design/PageHead";
import { SearchField } from "~/design/SearchField";
import { said } from "~/live/wire/http";
import { useWorkspace } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";
import { lazily } from "~/live/wire/code";
import { PEOPLE } from "./documents";
import { Invitations } from "./Invitations";
import { PeopleTable } from "./PeopleTable";
import * as texts from "~/texts";

const InviteDialog = lazily(() => import("./InviteDialog").then((m) => ({ default: m.InviteDialog })));

const route = getRouteApi("/shell/people");

/** Who is in the workspace, as what, and who is invited: for owners and admins. */
export function PeoplePage() {
  const overview = useReadable(useWorkspace().overview);
  const may = usePermissions().has("ADMINISTER");
  const { q } = route.useSearch();
  const navigate = route.useNavigate();
  const [inviting, setInviting] = useState(false);
  const [version, setVersion] = useState(0);
  const changed = () => setVersion((before) => before + 1);
  if (overview.state !== "ready") return <PageHead title={texts.people.title} />;
  if (!may)
    return (
      <>
        <PageHead title={texts.people.title} />
        <Empty title={texts.people.noAccess}>{texts.people.noAccessHow}</Empty>
      </>
    );
  return (
    <>
      <PageHead
        title={texts.people.title}
        actions={
          <Button look="primary" onClick={() => setInviting(true)}>
            {texts.people.invite}
          </Button>
        }
      />
      <div className="mx-auto flex w-full max-w-5xl flex-col gap-6 px-4 py-6">
        <Invitations key={`invitations ${version}`} onChanged={changed} />
        <div className="flex flex-col gap-3">
          <h2 className="text-base font-semibold">{texts.people.members}</h2>
          <SearchField
            key={q}
            label={texts.people.search}
            value={q ?? ""}
            onSearch={(text) => void navigate({ search: text ? { q: text } : {} })}
          />
          <Pages key={`${q ?? ""} ${version}`} search={q ?? null} onChanged={changed} />
        </div>
      </div>
      <Suspense>
        {inviting && <InviteDialog onClose={() => setInviting(false)} onChanged={changed} />}
      </Suspense>
    </>
  );
}

interface PagesProps {
  search: string | null;
  onChanged: () => void;
}

/** Pages below each other, as far as somebody has asked for more. */
function Pages({ search, onChanged }: PagesProps) {
  const [cursors, setCursors] = useState<readonly (string | null)[]>([null]);
  return (
    <>
      {cursors.map((after, index) => (
        <Page
          key={after ?? ""}
          search={search}
          after={after}
          onMore={index === cursors.length - 1 ? (end) => setCursors([...cursors, end]) : null}
          onChanged={onChanged}
        />
      ))}
    </>
  );
}

interface PageProps extends PagesProps {
  after: string | null;
  /** Null where the next page is shown already. */
  onMore: ((end: string) => void) | null;
}

function Page({ search, after, onMore, onChanged }: PageProps) {
  const [{ data, error }] = useQuery({
    query: PEOPLE,
    variables: { search, after },
    requestPolicy: "cache-and-network",
  });
  if (error && !data) return <Empty title={texts.people.notRead}>{said(error)}</Empty>;
  if (!data) return <p className="text-faint">{texts.shared.loading}</p>;
  const { nodes, pageInfo, totalCount } = data.workspace.members;
  const { hasNextPage, endCursor } = pageInfo;
  if (nodes.length === 0 && after === null)
    return <Empty title={texts.people.nobody}>{texts.people.nobodyHow}</Empty>;
  return (
    <>
      {after === null && (
        <p role="status" className="text-xs text-faint">
          {texts.people.count(totalCount ?? nodes.length)}
        </p>
      )}
      <PeopleTable people={nodes} onChanged={onChanged} />
      {hasNextPage && endCursor !== null && onMore && (
        <Button className="self-center" onClick={() => onMore(endCursor)}>
          {texts.people.more}
        </Button>
      )}
    </>
  );
}
