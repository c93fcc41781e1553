import { rememberViewer } from "~/live/remembered";
import { inBase } from "~/live/wire/base";
import { post } from "~/live/wire/http";

/** Sign out, here or everywhere, and go to the sign-in page. Tells why that was refused; null where it was done. */
export async function leave(everywhere: boolean): Promise<string | null> {
  const refused = await post("/v1/sign-out", { everywhere });
  if (refused !== null) return refused;
  rememberViewer(null);
  // A new page holds nothing of what this one knew.
  location.assign(inBase("/sign-in"));
  return null;
}
