import { Suspense, useState } from "react";
import { act } from "~/acting/act";
import { toast } from "~/app/toast";
import { Badge } from "~/design/Badge";
import { Button } from "~/design/Button";
import { useNow } from "~/design/now";
import { Table } from "~/design/Table";
import { ago, whole } from "~/design/time";
import { useLive } from "~/live/LiveContext";
import { lazily } from "~/live/wire/code";
import { REVOKE, type OneToken } from "./documents";
import { ending, scopeWords } from "./scopes";
import * as texts from "~/texts";

const EndDialog = lazily(() => import("./EndDialog").then((m) => ({ default: m.EndDialog })));
const RotateDialog = lazily(() => import("./RotateDialog").then((m) => ({ default: m.RotateDialog })));

interface TokenTableProps {
  caption: string;
  tokens: readonly OneToken[];
  onChanged: () => void;
}

interface Asking {
  readonly what: "rotate" | "end";
  readonly token: OneToken;
}

/** Tokens: what each may do, its last use and its end. */
export function TokenTable({ caption, tokens, onChanged }: TokenTableProps) {
  const { queries } = useLive();
  const now = useNow();
  const [asking, setAsking] = useState<Asking | null>(null);
  const revoke = async (token: OneToken) => {
    const done = await act(queries, REVOKE, { token: token.key });
    if (done.done) toast(texts.accessTokens.revoked(token.name));
    onChanged();
    return done;
  };
  return (
    <>
      <Table
        caption={caption}
        rows={tokens}
        rowKey={({ key }) => key}
        columns={[
          {
            title: texts.accessTokens.name,
            cell: (token) => (
              <span className="flex flex-wrap items-center gap-x-2 font-medium">
                <span className="break-words">{token.name}</span>
                {token.rotatedToKey !== null && <Badge>{texts.accessTokens.replaced}</Badge>}
              </span>
            ),
          },
          {
            title: texts.accessTokens.may,
            cell: (token) => (
              <span>
                {scopeWords(token.scopes ?? [])}
                {token.sessionKeys !== null && (
                  <span className="text-faint">
                    {" "}
                    {texts.accessTokens.inSessions(token.sessionKeys.length)}
                  </span>
                )}
              </span>
            ),
          },
          {
            title: texts.accessTokens.lastUse,
            cell: ({ lastUsedAt }) => (
              <span className="whitespace-nowrap text-soft">
                {lastUsedAt === null ? texts.accessTokens.neverUsed : ago(Date.parse(lastUsedAt), now)}
              </span>
            ),
          },
          {
            title: texts.accessTokens.ends,
            cell: ({ expiresAt }) => {
              const how = ending(expiresAt, now);
              return (
                <span className="flex items-center gap-2 whitespace-nowrap text-soft">
                  {expiresAt === null ? texts.accessTokens.never : whole(Date.parse(expiresAt))}
                  {how === "soon" && <Badge tone="warn">{texts.accessTokens.soon}</Badge>}
                </span>
              );
            },
          },
          {
            title: texts.accessTokens.actions,
            cell: (token) => (
              <span className="flex gap-2">
                {token.rotatedToKey === null && (
                  <Button
                    size="small"
                    aria-label={texts.accessTokens.rotateOne(token.name)}
                    onClick={() => setAsking({ what: "rotate", token })}
                  >
                    {texts.accessTokens.rotate}
                  </Button>
                )}
                <Button
                  size="small"
                  aria-label={texts.accessTokens.revokeOne(token.name)}
                  onClick={() => setAsking({ what: "end", token })}
                >
                  {texts.accessTokens.revoke}
                </Button>
              </span>
            ),
          },
        ]}
      />
      <Suspense>
        {asking?.what === "end" && (
          <EndDialog
            title={texts.accessTokens.revokeAsk(asking.token.name)}
            means={texts.accessTokens.revokeMeans}
            verb={texts.accessTokens.revokeIt}
            onEnd={() => revoke(asking.token)}
            onClose={() => setAsking(null)}
          />
        )}
        {asking?.what === "rotate" && (
          <RotateDialog token={asking.token} onRotated={onChanged} onClose={() => setAsking(null)} />
        )}
      </Suspense>
    </>
  );
}
