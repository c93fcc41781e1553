import type { CombinedError } from "@urql/core";

interface Refusal {
  error?: { message?: string };
}

/** POST to the HTTP API with the page's cookie. Tells why it was refused, or null when it was done. */
export async function post(path: string, body: unknown): Promise<string | null> {
  try {
    const answer = await fetch(path, {
      method: "POST",
      credentials: "same-origin",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    if (answer.ok) return null;
    const refusal = (await answer.json().catch(() => null)) as Refusal | null;
    return refusal?.error?.message ?? `the broker answered ${answer.status}`;
  } catch {
    return "the broker does not answer";
  }
}

/** Why a query or a mutation failed, in words for people. */
export function said(error: CombinedError | undefined): string {
  return error?.graphQLErrors[0]?.message ?? "the broker does not answer";
}
