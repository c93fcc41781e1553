import { Command as Cmdk, defaultFilter } from "cmdk";
import { useMemo, useState } from "react";
import { Dialog } from "~/design/Dialog";
import { Kbd } from "~/design/Kbd";
import { useReadable } from "~/live/useReadable";
import { commands, type Command } from "./commands";
import * as texts from "~/texts";

/** All commands by section; those that fit what is typed, the best first. */
export function Palette({ open, onClose }: { open: boolean; onClose: () => void }) {
  const offered = useReadable(commands.all);
  const made = useMemo(() => (open ? commands.made() : []), [open]);
  const all = [...offered.filter((command) => !command.hidden), ...made];
  const [typed, setTyped] = useState("");
  const run = (command: Command) => {
    onClose();
    // After the palette has given the focus back, so that a dialog the command opens keeps it.
    requestAnimationFrame(() => command.run());
  };
  return (
    <Dialog open={open} onClose={onClose} title={texts.shell.commands} bare>
      <Cmdk label={texts.shell.commands} loop shouldFilter={false} className="flex min-h-0 flex-col">
        <Cmdk.Input
          value={typed}
          onValueChange={setTyped}
          placeholder={texts.shell.commandsHint}
          className="h-12 w-full border-b border-line bg-transparent px-4 text-base outline-none placeholder:text-faint"
        />
        <Cmdk.List className="max-h-[50dvh] min-h-0 overflow-y-auto p-2">
          <Cmdk.Empty className="px-3 py-8 text-center text-faint">{texts.shell.noCommand}</Cmdk.Empty>
          {(typed.trim() ? [[undefined, ranked(all, typed)] as const] : sections(all)).map(
            ([section, those]) => (
              <Cmdk.Group
                key={section ?? ""}
                heading={section}
                className="[&_[cmdk-group-heading]]:px-2 [&_[cmdk-group-heading]]:pt-2 [&_[cmdk-group-heading]]:pb-1 [&_[cmdk-group-heading]]:text-2xs [&_[cmdk-group-heading]]:font-medium [&_[cmdk-group-heading]]:text-faint"
              >
                {those.map((command) => (
                  <Cmdk.Item
                    key={command.id}
                    value={command.id}
                    onSelect={() => run(command)}
                    className="flex h-9 cursor-default items-center justify-between gap-3 rounded-md px-2 select-none data-[selected=true]:bg-hover pointer-coarse:h-11"
                  >
                    <span className="min-w-0 flex-1 truncate">{command.title}</span>
                    {section === undefined && <span className="text-2xs text-faint">{command.section}</span>}
                    {command.keys && <Kbd keys={command.keys} />}
                  </Cmdk.Item>
                ))}
              </Cmdk.Group>
            ),
          )}
        </Cmdk.List>
      </Cmdk>
    </Dialog>
  );
}

/** By title and words alone: of itself the library reads ids too, and leaves every section where it is. */
function ranked(all: readonly Command[], typed: string): Command[] {
  return all
    .map((command) => ({ command, fit: defaultFilter(command.title, typed, wordsOf(command)) }))
    .filter(({ fit }) => fit > 0)
    .sort((one, other) => other.fit - one.fit)
    .map(({ command }) => command);
}

const wordsOf = ({ section, words }: Command): string[] => [section, ...(words?.split(" ") ?? [])];

function sections(all: readonly Command[]): [string, Command[]][] {
  const found = new Map<string, Command[]>();
  for (const command of all) found.set(command.section, [...(found.get(command.section) ?? []), command]);
  return [...found];
}
