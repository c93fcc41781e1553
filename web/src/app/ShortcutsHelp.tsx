import { Dialog, DialogBody } from "~/design/Dialog";
import { Kbd } from "~/design/Kbd";
import { useReadable } from "~/live/useReadable";
import { commands } from "./commands";
import * as texts from "~/texts";

/** Every key that does something now. */
export function ShortcutsHelp({ open, onClose }: { open: boolean; onClose: () => void }) {
  const all = useReadable(commands.all).filter((command) => command.keys);
  const sections = [...new Set(all.map((command) => command.section))];
  return (
    <Dialog open={open} onClose={onClose} title={texts.shell.shortcuts} wide>
      <DialogBody>
        <div
          tabIndex={0}
          role="group"
          aria-label={texts.shell.shortcuts}
          className="columns-1 gap-8 sm:columns-2"
        >
          {sections.map((section) => (
            <section key={section} className="mb-5 break-inside-avoid">
              <h3 className="mb-1 text-xs text-faint">{section}</h3>
              <dl>
                {all
                  .filter((command) => command.section === section)
                  .map((command) => (
                    <div
                      key={command.id}
                      className="flex h-8 items-center justify-between gap-4 border-b border-line"
                    >
                      <dt className="truncate text-soft">{command.title}</dt>
                      <dd>
                        <Kbd keys={command.keys ?? ""} />
                      </dd>
                    </div>
                  ))}
              </dl>
            </section>
          ))}
        </div>
      </DialogBody>
    </Dialog>
  );
}
