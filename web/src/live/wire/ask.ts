import { HOLDS_MS } from "./asked";
import { inBase } from "./base";
import { fetchInTime } from "./fetchInTime";
import { credentials } from "./guest";
import * as texts from "~/texts";

/** What a question to the HTTP API came to. */
export type Answer<Value> = { readonly value: Value } | Refused;

/** Why there is no answer. */
export interface Refused {
  readonly refused: string;
  /** The broker's stable code; empty when it did not answer. */
  readonly code: string;
  readonly missing: boolean;
  readonly details: unknown;
}

export type Method = "GET" | "PUT" | "POST" | "PATCH" | "DELETE";

const ahead = new Map<string, { readonly answer: Promise<Answer<unknown>>; readonly until: number }>();

/** Ask for what a view will ask for in a moment: while it is made ready, the answer is on its way. */
export function askAhead(path: string): void {
  ahead.set(path, { answer: send(path, "GET"), until: Date.now() + HOLDS_MS });
}

/** Ask the HTTP API; the first to ask for what was asked ahead is given that answer. */
export async function ask<Value>(
  path: string,
  method: Method = "GET",
  body?: object,
): Promise<Answer<Value>> {
  const awaited = method === "GET" ? ahead.get(path) : undefined;
  ahead.delete(path);
  if (awaited && Date.now() < awaited.until) return awaited.answer as Promise<Answer<Value>>;
  return send(path, method, body);
}

/** As whoever the page is signed in as, or as the share that this tab shows. */
async function send<Value>(path: string, method: Method, body?: object): Promise<Answer<Value>> {
  try {
    const answer = await fetchInTime(inBase(path), {
      method,
      credentials: "same-origin",
      headers: { ...credentials(), ...(body && { "content-type": "application/json" }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    const said = (await answer.json().catch(() => null)) as Body<Value> | null;
    if (answer.ok && said?.data !== undefined) return { value: said.data };
    const { message, code = "", details } = said?.error ?? {};
    const refused = message ?? texts.live.brokerAnswered(answer.status);
    return { refused, code, details, missing: answer.status === 404 };
  } catch {
    return { refused: texts.live.brokerSilent, code: "", details: undefined, missing: false };
  }
}

interface Body<Value> {
  readonly data?: Value;
  readonly error?: { readonly message?: string; readonly code?: string; readonly details?: unknown };
}
