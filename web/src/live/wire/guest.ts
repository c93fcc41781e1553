import { keptAs } from "./base";

/**
 * The share that this tab shows. It is kept for the tab alone, where it cannot replace anybody's sign-in, and it goes to
 * the broker in the header of each request.
 */
const KEPT = keptAs("relaycast.share");

let share = read();

function read(): string | null {
  try {
    return sessionStorage.getItem(KEPT);
  } catch {
    // A browser may forbid pages to keep anything: the share lasts until the page is left.
    return null;
  }
}

/** Whether this tab shows a share, as a viewer, whoever is signed in to the browser. */
export function isGuest(): boolean {
  return share !== null;
}

/** Show a share in this tab from now on; `null`: be oneself again. */
export function setShare(token: string | null): void {
  share = token;
  try {
    if (token === null) sessionStorage.removeItem(KEPT);
    else sessionStorage.setItem(KEPT, token);
  } catch {
    // See above.
  }
}

/** What each request of this tab carries. */
export function credentials(): { authorization?: string } {
  return share === null ? {} : { authorization: `Bearer ${share}` };
}

/** How each GraphQL request of this tab goes out. */
export function sameOrigin(): RequestInit {
  return { credentials: "same-origin", headers: { ...credentials() } };
}
