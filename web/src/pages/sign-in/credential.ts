/** What a link carries behind its `#`, which browsers keep to themselves: a one-time code, or a share's token. */
export type Credential = { readonly code: string } | { readonly token: string };

const SHARE = "share=";

/** Whether an address carries a share's token. */
export function isShare(hash: string): boolean {
  return hash.replace(/^#/, "").startsWith(SHARE);
}

/** The credential of an address, if there is one. */
export function credentialOf(hash: string): Credential | null {
  const said = decodeURIComponent(hash.replace(/^#/, ""));
  if (!said) return null;
  return said.startsWith(SHARE) ? { token: said.slice(SHARE.length) } : { code: said };
}

/** Where to go on to: a page of ours, and nothing else that a link may say. */
export function destination(to: string | undefined): string {
  return to && /^\/session\/[\w.@%-]+$/.test(to) ? to : "/";
}
