import { Suspense, useRef, useState } from "react";
import { INPUT, Select } from "~/acting/Field";
import { useCommands } from "~/app/commands";
import { Badge } from "~/design/Badge";
import { Button } from "~/design/Button";
import { classes } from "~/design/classes";
import { lazily } from "~/live/wire/code";
import { GROUPINGS, SHOWS, SORTINGS, type Grouping, type Show, type Sorting } from "./model/address";
import { useFleetAddress } from "./useFleetAddress";
import * as texts from "~/texts";

const SavedFleetViews = lazily(() =>
  import("./SavedFleetViews").then((m) => ({ default: m.SavedFleetViews })),
);

const SHOWN: Record<Show, string> = {
  needs: texts.home.needsYou,
  working: texts.home.working,
  idle: texts.home.idle,
};
const GROUPED: Record<Grouping, string> = {
  session: texts.home.bySession,
  machine: texts.home.byMachine,
  person: texts.home.byPerson,
};
const SORTED: Record<Sorting, string> = {
  name: texts.home.byName,
  since: texts.home.bySince,
  spent: texts.home.bySpent,
};

/** Which agents are listed, and in which order. */
export function FleetTools({ counts, all }: { counts: Record<Show, number>; all: number }) {
  const { address, go } = useFleetAddress();
  const box = useRef<HTMLInputElement>(null);
  const [arranges, setArranges] = useState(address.group !== undefined || address.sort !== undefined);
  useCommands([
    {
      id: "filter-agents",
      title: texts.home.filter,
      section: texts.home.title,
      keys: "/",
      run: () => box.current?.focus(),
    },
  ]);
  return (
    <div className="flex shrink-0 flex-wrap items-center gap-2 border-b border-line px-3 py-2">
      <div role="group" aria-label={texts.home.shown} className="flex gap-0.5">
        <Choice chosen={address.show === undefined} count={all} onChoose={() => go({ show: undefined })}>
          {texts.home.all}
        </Choice>
        {SHOWS.map((show) => (
          <Choice
            key={show}
            chosen={address.show === show}
            count={counts[show]}
            isUrgent={show === "needs" && counts.needs > 0}
            onChoose={() => go({ show })}
          >
            {SHOWN[show]}
          </Choice>
        ))}
      </div>
      <div className="min-w-32 flex-1 sm:min-w-40 sm:max-w-96">
        <input
          ref={box}
          type="search"
          aria-label={texts.home.filter}
          placeholder={texts.home.filterExample}
          value={address.q ?? ""}
          maxLength={500}
          onChange={(event) => go({ q: event.target.value }, { typed: address.q !== undefined })}
          className={classes(INPUT, "min-w-0")}
        />
      </div>
      {/* On a phone the agents come first. */}
      <Button
        look="quiet"
        size="small"
        aria-expanded={arranges}
        className="sm:hidden"
        onClick={() => setArranges(!arranges)}
      >
        {texts.home.arrange}
      </Button>
      <div className={classes("w-full grid-cols-2 gap-2 sm:grid sm:w-84", arranges ? "grid" : "hidden")}>
        <Select
          aria-label={texts.home.group}
          value={address.group ?? ""}
          onChange={(event) => go({ group: GROUPINGS.find((one) => one === event.target.value) })}
        >
          <option value="">{texts.home.ungrouped}</option>
          {GROUPINGS.map((one) => (
            <option key={one} value={one}>
              {GROUPED[one]}
            </option>
          ))}
        </Select>
        <Select
          aria-label={texts.home.sort}
          value={address.sort ?? ""}
          onChange={(event) => go({ sort: SORTINGS.find((one) => one === event.target.value) })}
        >
          <option value="">{texts.home.needsFirst}</option>
          {SORTINGS.map((one) => (
            <option key={one} value={one}>
              {SORTED[one]}
            </option>
          ))}
        </Select>
      </div>
      <div className={classes("sm:block", !arranges && "hidden")}>
        <Suspense>
          <SavedFleetViews />
        </Suspense>
      </div>
    </div>
  );
}

interface ChoiceProps {
  chosen: boolean;
  count: number;
  isUrgent?: boolean;
  onChoose: () => void;
  children: string;
}

function Choice({ chosen, count, isUrgent = false, onChoose, children }: ChoiceProps) {
  return (
    <button
      type="button"
      aria-pressed={chosen}
      onClick={onChoose}
      className={classes(
        "flex h-8 items-center gap-1.5 rounded-md px-2 text-xs font-medium transition-colors pointer-coarse:h-10",
        chosen ? "bg-active text-text" : "text-soft hover:bg-hover hover:text-text",
      )}
    >
      {children} <Badge tone={isUrgent ? "bad" : "neutral"}>{count}</Badge>
    </button>
  );
}
