import type { TadaDocumentNode } from "gql.tada";
import type { Client } from "@urql/core";
import { sameOrigin } from "~/live/wire/guest";
import * as texts from "~/texts";

/** What an action came to. A refusal carries the broker's stable code and its words for people. */
export type Done<Result> =
  | { readonly done: true; readonly result: Result }
  | { readonly done: false; readonly code: string; readonly message: string };

/** The code of an action that got no answer; whether it was carried out is not known, and it may be tried again. */
export const NO_ANSWER = "NO_ANSWER";

/**
 * Characters of an action's input up to which the browser delivers it though its tab is closed at once. A page may
 * have 64 KiB of such requests under way (Fetch, "HTTP-network-or-cache fetch"); one more would fail.
 */
const OUTLIVES_THE_PAGE = 4096;

interface Answered {
  readonly __typename: string;
  readonly code?: string;
  readonly message?: string;
}

/** Carry out a mutation of one field. `again` is the key that makes a repetition harmless: keep it for a retry. */
export async function act<Result extends Answered, Input extends object>(
  client: Client,
  document: TadaDocumentNode<Record<string, Result>, { input: Input }>,
  input: Omit<Input, "clientMutationId">,
  again: string = freshKey(),
): Promise<Done<Result>> {
  const variables = { input: { ...input, clientMutationId: again } as unknown as Input };
  const keepalive = JSON.stringify(variables).length < OUTLIVES_THE_PAGE;
  const fetchOptions = () => ({ ...sameOrigin(), keepalive });
  const answer = await client.mutation(document, variables, { fetchOptions }).toPromise();
  const [result] = Object.values(answer.data ?? {});
  if (!result) return { done: false, ...failure(answer.error) };
  if (result.code !== undefined)
    return { done: false, code: result.code, message: result.message ?? result.code };
  return { done: true, result };
}

/** Names one intention of a person. `crypto.randomUUID` is not there on pages without TLS. */
export function freshKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function failure(error: Answerless | undefined): { code: string; message: string } {
  const [first] = error?.graphQLErrors ?? [];
  const code = first?.extensions?.code;
  if (first) return { code: typeof code === "string" ? code : "INTERNAL", message: first.message };
  return { code: NO_ANSWER, message: texts.acting.noAnswer };
}

interface Answerless {
  readonly graphQLErrors: readonly { message: string; extensions?: { code?: unknown } }[];
}
