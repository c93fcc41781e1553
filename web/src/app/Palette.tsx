import { Command as Cmdk } from "cmdk";
import { Dialog } from "~/design/Dialog";
import { Kbd } from "~/design/Kbd";
import { useReadable } from "~/live/useReadable";
import { commands, type Command } from "./commands";

/** All commands, found by typing. */
export function Palette({ open, onClose }: { open: boolean; onClose: () => void }) {
  const all = useReadable(commands.all).filter((command) => !command.hidden);
  const run = (command: Command) => {
    onClose();
    // After the palette has given the focus back, so that a dialog the command opens keeps it.
    requestAnimationFrame(() => command.run());
  };
  return (
    <Dialog open={open} onClose={onClose} title="Commands" bare>
      <Cmdk label="Commands" loop className="flex min-h-0 flex-col">
        <Cmdk.Input
          placeholder="Type a command or a name…"
          className="h-12 w-full border-b border-line bg-transparent px-4 text-base outline-none placeholder:text-faint"
        />
        <Cmdk.List className="max-h-[50dvh] min-h-0 overflow-y-auto p-2">
          <Cmdk.Empty className="px-3 py-8 text-center text-faint">Nothing by that name.</Cmdk.Empty>
          {sections(all).map(([section, those]) => (
            <Cmdk.Group
              key={section}
              heading={section}
              className="[&_[cmdk-group-heading]]:px-2 [&_[cmdk-group-heading]]:pt-2 [&_[cmdk-group-heading]]:pb-1 [&_[cmdk-group-heading]]:text-2xs [&_[cmdk-group-heading]]:font-medium [&_[cmdk-group-heading]]:text-faint"
            >
              {those.map((command) => (
                <Cmdk.Item
                  key={command.id}
                  value={command.id}
                  keywords={[command.title, section, ...(command.words?.split(" ") ?? [])]}
                  onSelect={() => run(command)}
                  className="flex h-9 cursor-default items-center justify-between gap-3 rounded-md px-2 select-none data-[selected=true]:bg-hover pointer-coarse:h-11"
                >
                  <span className="truncate">{command.title}</span>
                  {command.keys && <Kbd keys={command.keys} />}
                </Cmdk.Item>
              ))}
            </Cmdk.Group>
          ))}
        </Cmdk.List>
      </Cmdk>
    </Dialog>
  );
}

function sections(all: readonly Command[]): [string, Command[]][] {
  const found = new Map<string, Command[]>();
  for (const command of all) found.set(command.section, [...(found.get(command.section) ?? []), command]);
  return [...found];
}
