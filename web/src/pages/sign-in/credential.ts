/** What a link carries behind its `#`, which browsers keep to themselves. */
export type Credential =
  /** Signs somebody in, once. */
  | { readonly kind: "code"; readonly secret: string }
  /** Lets one person into a workspace, once they have seen into which. */
  | { readonly kind: "invitation"; readonly secret: string }
  /** Shows one session. */
  | { readonly kind: "share"; readonly secret: string }
  /** Something that no link of ours says: it was cut off, or changed on its way. */
  | { readonly kind: "mangled" };

const SHARE = "share=";
/** As the broker makes them; see `broker/services/people`. */
const CODE_FORM = /^oc_live_[A-Za-z0-9_-]{32}$/;
const INVITATION_FORM = /^iv_live_[A-Za-z0-9_-]{32}$/;
const SHARE_FORM = /^share=ot_live_[A-Za-z0-9_-]{43}$/;

/** Whether an address carries a share's token, or what is left of one. */
export function isShare(hash: string): boolean {
  return /^#?share(=|%3d|$)/i.test(hash);
}

/** The credential of an address, if it says anything. */
export function credentialOf(hash: string): Credential | null {
  const said = decoded(hash.replace(/^#/, ""));
  if (said === "") return null;
  if (said !== null && CODE_FORM.test(said)) return { kind: "code", secret: said };
  if (said !== null && INVITATION_FORM.test(said)) return { kind: "invitation", secret: said };
  if (said !== null && SHARE_FORM.test(said)) return { kind: "share", secret: said.slice(SHARE.length) };
  return { kind: "mangled" };
}

/** Programs that pass links on may escape them; null for what is no escaped text. */
function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text).trim();
  } catch {
    return null;
  }
}

/** Where to go on to: a page of ours, and nothing else that a link may say. */
export function destination(to: string | undefined): string {
  return to && /^\/session\/[\w.@%-]+$/.test(to) ? to : "/";
}
