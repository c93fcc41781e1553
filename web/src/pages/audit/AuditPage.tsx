import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { useQuery } from "urql";
import { Field, INPUT, Select } from "~/acting/Field";
import { usePermissions } from "~/acting/usePermissions";
import { Button } from "~/design/Button";
import { Empty } from "~/design/Empty";
import { PageHead } from "~/design/PageHead";
import { said } from "~/live/wire/http";
import { useWorkspace } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";
import { AUDIT } from "./documents";
import { ImportedTrails } from "./ImportedTrails";
import { Records } from "./Records";
import { readAddress, type AuditAddress } from "./address";
import * as texts from "~/texts";

const KINDS: readonly (readonly [prefix: string, title: string])[] = [
  ["", texts.audit.allEverything],
  ["permission.refused", texts.audit.allRefusals],
  ["member.", texts.audit.allPeople],
  ["invitation.", texts.audit.allInvitations],
  ["group.", texts.audit.allGroups],
  ["token.", texts.audit.allTokens],
  ["machine.", texts.audit.allMachines],
  ["approval.", texts.audit.allApprovals],
  ["rule.", texts.audit.allRules],
  ["hooks.", texts.audit.allHooks],
  ["secret.", texts.audit.allSecrets],
  ["budget.", texts.audit.allBudgets],
  ["agents.", texts.audit.allStops],
  ["logs.", texts.audit.allLogs],
  ["session.", texts.audit.allSessions],
  ["workspace.", texts.audit.allWorkspace],
];

const route = getRouteApi("/shell/audit");

/** Who did what in the workspace, the newest first: for owners and admins. */
export function AuditPage() {
  const overview = useReadable(useWorkspace().overview);
  const may = usePermissions().has("ADMINISTER");
  const address = route.useSearch();
  if (overview.state !== "ready") return <PageHead title={texts.audit.title} />;
  return (
    <>
      <PageHead title={texts.audit.title} />
      {may ? (
        <div className="mx-auto flex w-full max-w-6xl flex-col gap-4 px-4 py-6">
          <Filters key={JSON.stringify(address)} address={address} />
          <Pages key={`pages ${JSON.stringify(address)}`} address={address} />
          <ImportedTrails />
        </div>
      ) : (
        <Empty title={texts.audit.noAccess}>{texts.audit.noAccessHow}</Empty>
      )}
    </>
  );
}

function Filters({ address }: { address: AuditAddress }) {
  const navigate = route.useNavigate();
  const go = (form: HTMLFormElement) => {
    const given = [...new FormData(form)].filter(([, value]) => value !== "");
    const wanted: AuditAddress = readAddress(Object.fromEntries(given));
    void navigate({ search: wanted });
  };
  return (
    <form
      className="grid grid-cols-1 items-end gap-3 sm:grid-cols-[12rem_1fr_1fr_auto]"
      onSubmit={(event) => {
        event.preventDefault();
        go(event.currentTarget);
      }}
    >
      <Field id="audit-act" label={texts.audit.act}>
        <Select
          id="audit-act"
          name="act"
          defaultValue={address.act ?? ""}
          onChange={(event) => {
            event.currentTarget.form?.requestSubmit();
          }}
        >
          {KINDS.map(([prefix, title]) => (
            <option key={prefix} value={prefix}>
              {title}
            </option>
          ))}
        </Select>
      </Field>
      <Field id="audit-by" label={texts.audit.by} hint={texts.audit.byHint}>
        <input id="audit-by" name="by" defaultValue={address.by} className={INPUT} />
      </Field>
      <Field id="audit-on" label={texts.audit.on} hint={texts.audit.onHint}>
        <input id="audit-on" name="on" defaultValue={address.on} className={INPUT} />
      </Field>
      <Button type="submit">{texts.audit.filter}</Button>
    </form>
  );
}

/** Pages below each other, as far as somebody has asked for more. */
function Pages({ address }: { address: AuditAddress }) {
  const [cursors, setCursors] = useState<readonly (string | null)[]>([null]);
  return (
    <>
      {cursors.map((after, index) => (
        <Page
          key={after ?? ""}
          address={address}
          after={after}
          onMore={index === cursors.length - 1 ? (end) => setCursors([...cursors, end]) : null}
        />
      ))}
    </>
  );
}

interface PageProps {
  address: AuditAddress;
  after: string | null;
  /** Null where the next page is shown already. */
  onMore: ((end: string) => void) | null;
}

function Page({ address, after, onMore }: PageProps) {
  const [{ data, error }] = useQuery({
    query: AUDIT,
    variables: { ...address, after },
    requestPolicy: "cache-and-network",
  });
  if (error && !data) return <Empty title={texts.audit.notRead}>{said(error)}</Empty>;
  if (!data) return <p className="text-faint">{texts.shared.loading}</p>;
  const { nodes, pageInfo } = data.workspace.audit;
  const { hasNextPage, endCursor } = pageInfo;
  if (nodes.length === 0 && !hasNextPage && after === null)
    return <Empty title={texts.audit.nothing}>{texts.audit.nothingHow}</Empty>;
  return (
    <>
      {nodes.length > 0 && <Records records={nodes} />}
      {hasNextPage && endCursor !== null && onMore && (
        <Button className="self-center" onClick={() => onMore(endCursor)}>
          {texts.audit.more}
        </Button>
      )}
    </>
  );
}
