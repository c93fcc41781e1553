import { Suspense, useState, type SubmitEvent } from "react";
import { useQuery } from "urql";
import { act } from "~/acting/act";
import { Field, INPUT } from "~/acting/Field";
import { toast } from "~/app/toast";
import { Button } from "~/design/Button";
import { Empty } from "~/design/Empty";
import { said } from "~/live/wire/http";
import { useLive } from "~/live/LiveContext";
import { lazily } from "~/live/wire/code";
import { ACCOUNTS, CREATE_ACCOUNT, REMOVE_ACCOUNT, type Account } from "./documents";
import { TokenTable } from "./TokenTable";
import * as texts from "~/texts";

const NewTokenDialog = lazily(() => import("./NewTokenDialog").then((m) => ({ default: m.NewTokenDialog })));
const EndDialog = lazily(() => import("./EndDialog").then((m) => ({ default: m.EndDialog })));

/** Service accounts, each with its tokens. */
export function Accounts() {
  const { queries } = useLive();
  const [{ data, error }, refresh] = useQuery({ query: ACCOUNTS, requestPolicy: "cache-and-network" });
  const [problem, setProblem] = useState<string | null>(null);
  const changed = () => refresh({ requestPolicy: "network-only" });
  const create = async (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const name = new FormData(form).get("name");
    const done = await act(queries, CREATE_ACCOUNT, { name: typeof name === "string" ? name : "" });
    setProblem(done.done ? null : done.message);
    if (!done.done) return;
    form.reset();
    changed();
  };
  const accounts = data?.workspace.serviceAccounts;
  return (
    <section aria-labelledby="accounts" className="flex flex-col gap-3">
      <h2 id="accounts" className="text-base font-semibold">
        {texts.accessTokens.accounts}
      </h2>
      <p className="text-xs text-soft">{texts.accessTokens.accountsMean}</p>
      <form className="flex flex-wrap items-end gap-2" onSubmit={(event) => void create(event)}>
        <Field id="account-name" label={texts.accessTokens.accountName}>
          <input id="account-name" name="name" required maxLength={60} autoComplete="off" className={INPUT} />
        </Field>
        <Button type="submit">{texts.accessTokens.createAccount}</Button>
      </form>
      <p role="alert" className="text-bad empty:hidden">
        {problem}
      </p>
      {error && !data && <Empty title={texts.accessTokens.notRead}>{said(error)}</Empty>}
      {accounts?.length === 0 && (
        <Empty title={texts.accessTokens.noAccounts}>{texts.accessTokens.noAccountsHow}</Empty>
      )}
      {accounts?.map((account) => (
        <OneAccount key={account.key} account={account} onChanged={changed} />
      ))}
    </section>
  );
}

function OneAccount({ account, onChanged }: { account: Account; onChanged: () => void }) {
  const { queries } = useLive();
  const [asking, setAsking] = useState<"token" | "end" | null>(null);
  const remove = async () => {
    const done = await act(queries, REMOVE_ACCOUNT, { serviceAccount: account.key });
    if (done.done) toast(texts.accessTokens.accountRemoved(account.name));
    onChanged();
    return done;
  };
  return (
    <section aria-label={account.name} className="flex flex-col gap-2 rounded-xl border border-line p-3">
      <div className="flex flex-wrap items-center justify-between gap-2">
        <h3 className="font-medium break-words">{account.name}</h3>
        <div className="flex gap-2">
          <Button size="small" onClick={() => setAsking("token")}>
            {texts.accessTokens.makeFor}
          </Button>
          <Button size="small" onClick={() => setAsking("end")}>
            {texts.accessTokens.removeAccount}
          </Button>
        </div>
      </div>
      {account.tokens.length === 0 ? (
        <p className="text-xs text-faint">{texts.accessTokens.noTokens}</p>
      ) : (
        <TokenTable
          caption={texts.accessTokens.tokensOf(account.name)}
          tokens={account.tokens}
          onChanged={onChanged}
        />
      )}
      <Suspense>
        {asking === "token" && (
          <NewTokenDialog account={account} onClose={() => setAsking(null)} onMade={onChanged} />
        )}
        {asking === "end" && (
          <EndDialog
            title={texts.accessTokens.removeAsk(account.name)}
            means={texts.accessTokens.removeMeans}
            verb={texts.accessTokens.remove}
            onEnd={remove}
            onClose={() => setAsking(null)}
          />
        )}
      </Suspense>
    </section>
  );
}
