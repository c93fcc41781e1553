import { Suspense, useState } from "react";
import { useQuery, type UseQueryState } from "urql";
import { usePermissions } from "~/acting/usePermissions";
import { Button } from "~/design/Button";
import { Empty } from "~/design/Empty";
import { PageHead } from "~/design/PageHead";
import type { ResultOf } from "~/live/wire/graphql";
import { said } from "~/live/wire/http";
import { useWorkspace } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";
import { lazily } from "~/live/wire/code";
import { Accounts } from "./Accounts";
import { MINE } from "./documents";
import { givenScopes } from "./scopes";
import { TokenTable } from "./TokenTable";
import * as texts from "~/texts";

const NewTokenDialog = lazily(() => import("./NewTokenDialog").then((m) => ({ default: m.NewTokenDialog })));

/** A person's own tokens for their programs; for owners and admins, service accounts with theirs. */
export function TokensPage() {
  const overview = useReadable(useWorkspace().overview);
  const may = usePermissions();
  const isPerson = overview.state === "ready" && overview.value.viewer.kind === "MEMBER";
  const [mine, refresh] = useQuery({ query: MINE, pause: !isPerson, requestPolicy: "cache-and-network" });
  if (overview.state !== "ready") return <PageHead title={texts.accessTokens.title} />;
  return (
    <>
      <PageHead title={texts.accessTokens.title} />
      <div className="mx-auto flex w-full max-w-5xl flex-col gap-8 px-4 py-6">
        {isPerson && (
          <Mine
            read={mine}
            mayMake={givenScopes(may).length > 0}
            onChanged={() => refresh({ requestPolicy: "network-only" })}
          />
        )}
        {/* Below the others, where it stays. */}
        {may.has("ADMINISTER") && (!isPerson || !mine.fetching) && <Accounts />}
        {!isPerson && !may.has("ADMINISTER") && (
          <Empty title={texts.accessTokens.noAccess}>{texts.accessTokens.noAccessHow}</Empty>
        )}
      </div>
    </>
  );
}

interface MineProps {
  read: UseQueryState<ResultOf<typeof MINE>>;
  mayMake: boolean;
  onChanged: () => void;
}

function Mine({ read: { data, error }, mayMake, onChanged }: MineProps) {
  const [making, setMaking] = useState(false);
  return (
    <section aria-labelledby="mine" className="flex flex-col gap-3">
      <div className="flex flex-wrap items-center justify-between gap-2">
        <h2 id="mine" className="text-base font-semibold">
          {texts.accessTokens.mine}
        </h2>
        {mayMake && <Button onClick={() => setMaking(true)}>{texts.accessTokens.makeMine}</Button>}
      </div>
      <p className="text-xs text-soft">{texts.accessTokens.mineMeans}</p>
      {error && !data && <Empty title={texts.accessTokens.notRead}>{said(error)}</Empty>}
      {data?.viewer.personalTokens.length === 0 && (
        <Empty title={texts.accessTokens.noneOfMine}>
          {mayMake ? texts.accessTokens.noneOfMineHow : texts.accessTokens.roleMakesNone}
        </Empty>
      )}
      {data && data.viewer.personalTokens.length > 0 && (
        <TokenTable
          caption={texts.accessTokens.mine}
          tokens={data.viewer.personalTokens}
          onChanged={onChanged}
        />
      )}
      <Suspense>
        {making && <NewTokenDialog account={null} onClose={() => setMaking(false)} onMade={onChanged} />}
      </Suspense>
    </section>
  );
}
