import type { CombinedError } from "@urql/core";
import { belowBase, inBase, inWorkspace, namesWorkspace } from "./base";
import { fetchInTime } from "./fetchInTime";
import * as texts from "~/texts";

interface Refusal {
  error?: { message?: string };
}

/** POST to the HTTP API with the page's cookie. Tells why it was refused, or null when it was done. */
export async function post(path: string, body: unknown): Promise<string | null> {
  try {
    const answer = await fetchInTime(inBase(path), {
      method: "POST",
      credentials: "same-origin",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    if (answer.ok) return null;
    const refusal = (await answer.json().catch(() => null)) as Refusal | null;
    return refusal?.error?.message ?? texts.live.brokerAnswered(answer.status);
  } catch {
    return texts.live.brokerSilent;
  }
}

/** Who a credential stands for. */
export interface Caller {
  readonly name: string;
  readonly role: string | null;
  /** Why they may do nothing in this workspace though they are signed in: the broker's stable code. */
  readonly refused?: string;
  readonly workspace?: { readonly slug: string } | null;
}

/** Who is signed in to this browser, whatever this tab shows; null when the broker does not say. */
export async function signedIn(): Promise<Caller | "nobody" | null> {
  const answer = await fetchInTime(inBase("/v1/sign-in"), { credentials: "same-origin" }).catch(() => null);
  if (!answer?.ok) return null;
  return ((await answer.json()) as { data: { caller: Caller | null } }).data.caller ?? "nobody";
}

/** Who asks, by what the browser keeps or by `headers`; null when the broker does not say. */
export async function whoami(headers: { authorization?: string }): Promise<Caller | "nobody" | null> {
  const answer = await fetchInTime(inBase("/v1/whoami"), {
    credentials: "same-origin",
    headers: { ...headers },
  }).catch(() => null);
  if (answer?.status === 401) return "nobody";
  if (!answer?.ok) return null;
  return ((await answer.json()) as { data: Caller }).data;
}

interface Choice {
  readonly slug: string;
}

/** The address, in the first workspace that somebody is in, of the page that is shown; null when the broker does not say. */
export async function addressInWorkspace(at: Location): Promise<string | null> {
  const answer = await fetchInTime(inBase("/v1/workspaces"), { credentials: "same-origin" }).catch(
    () => null,
  );
  if (!answer?.ok) return null;
  const { data } = (await answer.json()) as { data: { workspaces: readonly Choice[] } };
  const [first] = data.workspaces;
  return first ? inWorkspace(first.slug, belowBase(at.pathname)) + at.search + at.hash : null;
}

/** Whether a query failed because its page names none of the several workspaces that somebody is in. */
export function wantsWorkspace(error: CombinedError | undefined): boolean {
  return error?.graphQLErrors[0]?.extensions.code === "WORKSPACE_REQUIRED" && !namesWorkspace();
}

/** Why a query or a mutation failed, in words for people. */
export function said(error: CombinedError | undefined): string {
  return error?.graphQLErrors[0]?.message ?? texts.live.brokerSilent;
}
