/** What the address of the sign-in page says beside a link's credential. */
export interface SignInAddress {
  /** The page of ours to go on to. */
  readonly to?: string;
  /** The workspace to sign in to, by its name in addresses. */
  readonly workspace?: string;
  /** The broker's code for why single sign-on let nobody in. */
  readonly refused?: string;
  /** The page of that workspace that was to be shown. */
  readonly then?: string;
}

export function readAddress(search: Record<string, unknown>): SignInAddress {
  const { to, workspace, refused, then } = search;
  return {
    ...(typeof to === "string" && { to }),
    // A name of digits is read as a number.
    ...((typeof workspace === "string" || typeof workspace === "number") && { workspace: `${workspace}` }),
    ...(typeof refused === "string" && { refused }),
    ...(typeof then === "string" && { then }),
  };
}
