import { ask, type Refused } from "~/live/wire/ask";
import { keptInRoot } from "~/live/wire/base";
import { setShare } from "~/live/wire/guest";
import { signedIn, type Caller } from "~/live/wire/http";
import { rememberViewer } from "~/live/remembered";
import * as texts from "~/texts";

const KEPT = keptInRoot("relaycast.single-sign-on");
/** Of workspaces, as `broker/domain/people/workspaces.py` has them. */
const SLUG = /^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/;
/** As `broker/services/people/single_sign_on.py` takes it. */
const LONGEST_PAGE = 500;

/** The first of some texts that may be what addresses call a workspace; empty where none is. */
export function slugOf(...said: readonly (string | null | undefined)[]): string {
  return said.find((each) => each && SLUG.test(each)) ?? "";
}

/**
 * Where somebody who wanted to go to a page is to come back to in a workspace, as the broker takes it: `then` is what it gave
 * back when single sign-on let them in nowhere, `place` an address below the base. Null for the first page, and where the
 * address is too long.
 */
export function pageIn(slug: string, then: string | undefined, place: string | null): string | null {
  const path = then?.startsWith(`/w/${slug}/`) ? then : place === null ? null : `/w/${slug}${place}`;
  const sent = path?.replaceAll("\\", "%5C") ?? null;
  return sent === null || sent.length > LONGEST_PAGE ? null : sent;
}

/** What somebody may do who was refused with that code. An address may say anything: nothing of it is shown. */
export function whyRefused(code: string): string {
  const words: Readonly<Record<string, string>> = texts.singleSignOnRefused.byCode;
  if (Object.hasOwn(words, code)) return words[code] ?? "";
  return code.startsWith("OUTBOUND_")
    ? texts.singleSignOnRefused.notReached
    : texts.singleSignOnRefused.otherwise;
}

/** Who was signed in by a link and refused for it: what they may do begins with single sign-on in that workspace. */
export async function whoHasToGoOn({ code, details }: Refused): Promise<Caller> {
  const { workspace: slug = "" } = (details ?? {}) as { workspace?: string };
  const who = await signedIn();
  const known = who === "nobody" || who === null ? { name: "", role: null } : who;
  return { ...known, refused: code, workspace: { slug } };
}

/** The workspace in which somebody last signed in here by single sign-on; null where nobody has. */
export function rememberedSlug(): string | null {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    // A browser may forbid pages to keep anything.
    return null;
  }
}

function rememberSlug(slug: string): void {
  try {
    localStorage.setItem(KEPT, slug);
  } catch {
    // See above.
  }
}

/**
 * Go to the identity provider of a workspace, and from there to `then`, a page of it; null: the first one. Tells why that was
 * refused; null where the browser is on its way.
 */
export async function goToProvider(slug: string, then: string | null): Promise<string | null> {
  // Whoever comes back is to see what is theirs.
  setShare(null);
  const begun = await ask<{ url: string }>("/v1/sign-in/single-sign-on", "POST", { workspace: slug, then });
  if ("refused" in begun) return begun.refused;
  rememberSlug(slug);
  rememberViewer(null);
  location.assign(begun.value.url);
  return null;
}
