import { Select } from "~/acting/Field";
import { useWorkspace } from "~/live/LiveContext";
import { useReadable } from "~/live/useReadable";
import * as texts from "~/texts";

interface SessionPickerProps {
  session: string | undefined;
  /** Whether all sessions at once can be chosen. */
  all: boolean;
  onChoose: (session: string | undefined) => void;
}

/** Whose logs are shown. */
export function SessionPicker({ session, all, onChoose }: SessionPickerProps) {
  const overview = useReadable(useWorkspace().overview);
  const sessions = overview.state === "ready" ? overview.value.workspace.sessions.nodes : [];
  // An address may say the session's name or its key.
  const known = sessions.find((one) => one.name === session || one.key === session);
  return (
    <label className="flex min-w-0 items-center gap-2">
      <span className="sr-only">{texts.logs.session}</span>
      <Select
        className="max-w-48 !h-7 text-xs"
        value={known?.name ?? session ?? ""}
        onChange={(event) => onChoose(event.target.value || undefined)}
      >
        {(all || session === undefined) && (
          <option value="">{all ? texts.logs.allSessions : texts.logs.chooseSession}</option>
        )}
        {session !== undefined && !known && <option value={session}>{session}</option>}
        {sessions.map((one) => (
          <option key={one.key} value={one.name}>
            {one.name}
          </option>
        ))}
      </Select>
    </label>
  );
}
