import { notifications } from "~/app/notifications";
import { Button } from "~/design/Button";
import { Icon } from "~/design/Icon";
import { useReadable } from "~/live/useReadable";
import * as texts from "~/texts";

/** Turns browser notifications on and off. */
export function NotifyMe() {
  const wish = useReadable(notifications.wish);
  if (wish === "unsupported") return null;
  if (wish === "denied") return <span className="text-xs text-faint">{texts.inbox.blocked}</span>;
  const on = wish === "on";
  return (
    <Button
      size="small"
      look="quiet"
      aria-pressed={on}
      onClick={() => (on ? notifications.turnOff() : void notifications.turnOn())}
    >
      <Icon name="bell" />
      {on ? texts.inbox.notifying : texts.inbox.notify}
    </Button>
  );
}
