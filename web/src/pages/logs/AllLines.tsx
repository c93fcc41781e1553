import { useAddress } from "./useAddress";
import * as texts from "~/texts";

/** Shows, or leaves out, the lines that only say how messages and frames went their way. */
export function AllLines() {
  const { address, go } = useAddress();
  return (
    <label className="flex min-h-9 items-center gap-1.5 text-xs text-soft select-none pointer-coarse:min-h-10">
      <input
        type="checkbox"
        checked={address.all ?? false}
        onChange={(event) => go({ all: event.target.checked || undefined })}
      />
      {texts.logs.receiptsToo}
    </label>
  );
}
