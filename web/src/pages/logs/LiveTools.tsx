import { Button } from "~/design/Button";
import { SearchField } from "~/design/SearchField";
import { AllLines } from "./AllLines";
import { useAddress } from "./useAddress";
import * as texts from "~/texts";

/** Which lines are followed, and the way to the older ones that say the same. */
export function LiveTools() {
  const { address, go } = useAddress();
  const { only = "" } = address;
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-3 py-1.5">
      <div className="min-w-0 flex-1 basis-56 sm:max-w-md">
        <SearchField
          label={texts.logs.onlyLines}
          value={only}
          onSearch={(words) => go({ only: words || undefined })}
        />
      </div>
      {only && (
        <Button size="small" onClick={() => go({ view: undefined, q: only, only: undefined })}>
          {texts.logs.searchAll}
        </Button>
      )}
      <span className="ml-auto">
        <AllLines />
      </span>
    </div>
  );
}
