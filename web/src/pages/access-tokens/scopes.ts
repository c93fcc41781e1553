import type { OneToken } from "./documents";
import * as texts from "~/texts";

export type Scope = NonNullable<OneToken["scopes"]>[number];

/** Each scope with what it lets a program do, and the permission that somebody needs to give it. */
export const SCOPES: readonly { readonly scope: Scope; readonly title: string; readonly means: string }[] = [
  { scope: "READ", title: texts.accessTokens.read, means: texts.accessTokens.readMeans },
  { scope: "SEND", title: texts.accessTokens.send, means: texts.accessTokens.sendMeans },
  { scope: "SPAWN", title: texts.accessTokens.spawn, means: texts.accessTokens.spawnMeans },
  { scope: "APPROVE", title: texts.accessTokens.approve, means: texts.accessTokens.approveMeans },
  { scope: "ADMINISTER", title: texts.accessTokens.administer, means: texts.accessTokens.administerMeans },
];

/** The scopes that a viewer may give: nobody gives a program what they may not do. */
export function givenScopes(permissions: ReadonlySet<string>): typeof SCOPES {
  return SCOPES.filter(({ scope }) => permissions.has(scope));
}

/** What scopes are called, in their order. */
export function scopeWords(scopes: readonly Scope[]): string {
  return SCOPES.filter(({ scope }) => scopes.includes(scope))
    .map(({ title }) => title)
    .join(", ");
}

const DAY_MS = 86_400_000;
const SOON_MS = 7 * DAY_MS;

/** How a token's end is to be shown. */
export function ending(expiresAt: string | null, now: number): "never" | "later" | "soon" {
  if (expiresAt === null) return "never";
  return Date.parse(expiresAt) - now < SOON_MS ? "soon" : "later";
}
