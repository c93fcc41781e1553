import { getRouteApi, Link } from "@tanstack/react-router";
import { Suspense, useState } from "react";
import { useQuery } from "urql";
import { usePermissions } from "~/acting/usePermissions";
import { Button } from "~/design/Button";
import { Empty } from "~/design/Empty";
import { Icon } from "~/design/Icon";
import { PageHead } from "~/design/PageHead";
import { SearchField } from "~/design/SearchField";
import { said } from "~/live/wire/http";
import { useWorkspace } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";
import { lazily } from "~/live/wire/code";
import { GROUPS } from "./documents";
import { GroupView } from "./GroupView";
import * as texts from "~/texts";

const CreateDialog = lazily(() => import("./GroupDialogs").then((m) => ({ default: m.CreateDialog })));

const route = getRouteApi("/shell/groups");

/** People who are given access to private sessions together: for owners and admins. */
export function GroupsPage() {
  const overview = useReadable(useWorkspace().overview);
  const may = usePermissions().has("ADMINISTER");
  const { q, group } = route.useSearch();
  const navigate = route.useNavigate();
  const [creating, setCreating] = useState(false);
  if (overview.state !== "ready") return <PageHead title={texts.groups.title} />;
  if (!may)
    return (
      <>
        <PageHead title={texts.groups.title} />
        <Empty title={texts.groups.noAccess}>{texts.people.noAccessHow}</Empty>
      </>
    );
  return (
    <>
      <PageHead
        title={texts.groups.title}
        actions={
          <Button look="primary" onClick={() => setCreating(true)}>
            {texts.groups.create}
          </Button>
        }
      />
      <div className="mx-auto flex w-full max-w-5xl flex-col gap-4 px-4 py-6">
        {group === undefined ? (
          <>
            <SearchField
              key={q}
              label={texts.groups.search}
              value={q ?? ""}
              onSearch={(text) => void navigate({ search: text ? { q: text } : {} })}
            />
            <Pages key={q} search={q ?? null} />
          </>
        ) : (
          <GroupView key={group} group={group} onGone={() => void navigate({ search: {} })} />
        )}
      </div>
      <Suspense>
        {creating && (
          <CreateDialog
            onClose={() => setCreating(false)}
            onMade={(key) => void navigate({ search: { group: key } })}
          />
        )}
      </Suspense>
    </>
  );
}

function Pages({ search }: { search: string | null }) {
  const [cursors, setCursors] = useState<readonly (string | null)[]>([null]);
  return (
    <>
      {cursors.map((after, index) => (
        <Page
          key={after ?? ""}
          search={search}
          after={after}
          onMore={index === cursors.length - 1 ? (end) => setCursors([...cursors, end]) : null}
        />
      ))}
    </>
  );
}

interface PageProps {
  search: string | null;
  after: string | null;
  /** Null where the next page is shown already. */
  onMore: ((end: string) => void) | null;
}

function Page({ search, after, onMore }: PageProps) {
  const [{ data, error }] = useQuery({
    query: GROUPS,
    variables: { search, after },
    requestPolicy: "cache-and-network",
  });
  if (error && !data) return <Empty title={texts.groups.notRead}>{said(error)}</Empty>;
  if (!data) return <p className="text-faint">{texts.shared.loading}</p>;
  const { nodes, pageInfo } = data.workspace.groups;
  const { hasNextPage, endCursor } = pageInfo;
  if (nodes.length === 0 && after === null)
    return search ? (
      <Empty title={texts.groups.nothingFound}>{texts.groups.nothingFoundHow}</Empty>
    ) : (
      <Empty title={texts.groups.none}>{texts.groups.noneHow}</Empty>
    );
  return (
    <>
      <ul className="flex flex-col divide-y divide-line rounded-xl border border-line">
        {nodes.map(({ key, name, size }) => (
          <li key={key}>
            <Link
              to="/groups"
              search={{ group: key }}
              className="flex min-h-11 items-center gap-3 px-3 py-2 hover:bg-hover"
            >
              <span className="min-w-0 flex-1 font-medium break-words">{name}</span>
              <span className="text-soft">{texts.groups.size(size)}</span>
              <Icon name="chevron" className="text-faint" />
            </Link>
          </li>
        ))}
      </ul>
      {hasNextPage && endCursor !== null && onMore && (
        <Button className="self-center" onClick={() => onMore(endCursor)}>
          {texts.people.more}
        </Button>
      )}
    </>
  );
}
